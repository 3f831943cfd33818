"""What `python -m reds describe` says of a `.tflite` file: signatures, operators, tensors, and which bytes are shared."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reds.commands.tables import print_rows, print_wrapped
from reds.errors import BenchError
from reds.litert.reading import Signature, read_signatures
from reds.litert.sharing import Part, bytes_by_users, parts


def describe_tflite(path: Path, content: bytes, as_json: bool) -> None:
    """Print it.

    Raises:
        ProtocolError: the file is damaged.
        ConfigError: its signatures are not subnetworks of one network.
        MissingError: LiteRT is not installed.
    """
    try:
        signatures = read_signatures(content)
    except BenchError as error:
        raise type(error)(f"{path}: {error.what}", seen=error.seen, do=error.do) from error
    found = parts(signatures)
    if as_json:
        details = [_details(each) for each in signatures]
        print(json.dumps({"bytes": len(content), "signatures": details, "constants": [asdict(each) for each in found]}, indent=1))
        return
    ends = (signatures[0].input, signatures[0].output)
    given, result = (f"{end.element} {'x'.join(map(str, end.shape))}" for end in ends)
    print(f"{path}: a .tflite file, {len(content):,} bytes, input {given}, output {result}")
    print_rows([_row(each, found) for each in signatures], as_json=False)
    for each in signatures:
        counts = Counter(operator.code for operator in each.operators)
        print_wrapped(f"operators of {each.name}: " + ", ".join(f"{code} {count}" for code, count in counts.items()))
    print_rows([{"constants_of": list(users), "bytes": total} for users, total in bytes_by_users(found).items()], as_json=False)


def _row(signature: Signature, found: list[Part]) -> dict[str, Any]:
    """One line of the table; shared bytes are those that another signature uses as well."""
    used = [part for part in found if signature.name in part.users]
    return {
        "signature": signature.name,
        "operators": len(signature.operators),
        "tensors": len(signature.tensors),
        "constant_bytes": sum(part.stop - part.start for part in used),
        "shared_bytes": sum(part.stop - part.start for part in used if len(part.users) > 1),
    }


def _details(signature: Signature) -> dict[str, Any]:
    tensors = [
        {"shape": list(each.shape), "type": each.element, "sparse": each.sparse, **(asdict(each.span) if each.span else {})}
        for each in signature.tensors
    ]
    return {
        "name": signature.name,
        "input": signature.source,
        "output": signature.result,
        "tensors": tensors,
        "operators": [asdict(each) for each in signature.operators],
    }
