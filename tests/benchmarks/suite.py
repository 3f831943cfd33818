"""The default matrix twice: seconds, memory and determinism.

    python -m tests.benchmarks.suite [--json] [PYTEST ARGUMENT ...]

The models are made beforehand, in their own process. Each run is a process of its own that reports its peak resident
memory and whether it imported TensorFlow; then the deterministic values of the two runs are compared one by one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from reds.errors import DeviceError

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, pathlib, re, sys
import pytest
code = pytest.main(sys.argv[2:])
peak_kib = int(re.search(r"VmHWM:\\s*(\\d+) kB", pathlib.Path("/proc/self/status").read_text()).group(1))
facts = {"exit_code": int(code), "peak_kib": peak_kib, "tensorflow": "tensorflow" in sys.modules}
open(sys.argv[1], "w").write(json.dumps(facts))
"""


@dataclass(frozen=True)
class SuiteRun:
    """One run of the suites."""

    seconds: float
    peak_mib: float
    tensorflow_imported: bool
    records: Path


def run(folder: Path, arguments: list[str]) -> SuiteRun:
    """Run the suites into `folder`; DeviceError if a test failed."""
    folder.mkdir()
    facts, log = folder / "facts.json", folder / "pytest.log"
    command = [sys.executable, "-c", PROGRAM, str(facts), "suites", "-q", f"--results={folder}", *arguments]
    started = time.perf_counter()
    with log.open("wb") as output:
        subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    seconds = time.perf_counter() - started
    seen = json.loads(facts.read_text()) if facts.exists() else {}
    if seen.get("exit_code") != 0:
        raise DeviceError("the suites failed", seen=f"exit code {seen.get('exit_code')}: ...{log.read_text()[-2000:]}")
    (records,) = folder.glob("*.jsonl")
    return SuiteRun(round(seconds, 1), round(seen["peak_kib"] / 1024, 1), seen["tensorflow"], records)


def main() -> int:
    """Run twice, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the facts of both runs as JSON")
    options, arguments = parser.parse_known_args()
    subprocess.run([sys.executable, "-m", "harness", "prepare"], cwd=ROOT, check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        runs = [run(Path(folder) / name, arguments) for name in ("first", "second")]
        compare = [sys.executable, "-m", "harness", "compare", *(str(r.records) for r in runs), "--fail-on", "different"]
        compared = subprocess.run(compare, cwd=ROOT, capture_output=True, text=True, check=False)
        verdict = compared.stdout.strip().splitlines()[-1] if compared.stdout.strip() else compared.stderr.strip()
        if options.json:
            print(json.dumps({"runs": [asdict(r) | {"records": r.records.name} for r in runs], "compared": verdict}, indent=1))
        else:
            for number, suite in enumerate(runs, start=1):
                imported = "imported" if suite.tensorflow_imported else "never imported"
                print(f"run {number}: {suite.seconds} s, peak {suite.peak_mib} MiB, TensorFlow {imported}")
            print(verdict)
    return compared.returncode


if __name__ == "__main__":
    sys.exit(main())
