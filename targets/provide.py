"""Installs what the default devices lack, where that needs no password; says how to get the rest.

    python -m targets.provide

Runs the remedies that `targets.availability` names: Debian packages through apt-get (as root, or through sudo where it asks
nothing), Node.js packages through npm. It ends well whatever could not be had: the suites skip those devices with a reason.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence

from targets.availability import Availability, check
from targets.inventory import Device, Inventory

_FRONTEND = "DEBIAN_FRONTEND"  # packages would ask their questions on the terminal, for which nobody may be there


def _superuser() -> list[str] | None:
    """What to put before a command that changes the system: nothing for root, sudo where it asks no password, None else."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n", f"--preserve-env={_FRONTEND}"]
    return None


def _commands(remedy: str) -> list[list[str]]:
    """The commands that carry out a remedy on this machine; none where a person has to."""
    words = shlex.split(remedy)
    program = words[0] if words else ""
    if not shutil.which(program):
        return []
    if program == "npm":
        return [words]
    if program == "apt-get" and (superuser := _superuser()) is not None:
        install = [*words, "--yes", "--quiet", "--no-install-recommends"]
        return [[*superuser, *command] for command in (["apt-get", "update", "--quiet"], install)]
    return []


def _succeeds(commands: Sequence[Sequence[str]]) -> bool:
    """Run the commands in turn until one fails; what they print is shown only then."""
    environment = {**os.environ, _FRONTEND: "noninteractive"}
    for command in commands:
        print(f"  {shlex.join(command)}", flush=True)
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            return False
    return bool(commands)


def provide(device: Device) -> Availability:
    """Carry out one remedy after the other until the device is available or a remedy does not help."""
    tried: set[str] = set()
    availability = check(device)
    while not availability.available and availability.remedy not in tried:
        tried.add(availability.remedy)
        if not _succeeds(_commands(availability.remedy)):
            break
        availability = check(device)
    return availability


def main() -> int:
    """Provide for every device of the default inventory and say what could not be had."""
    for device in Inventory.load(None).devices.values():
        availability = provide(device)
        state = "ready" if availability.available else f"{availability.reason}; install it: {availability.remedy}"
        print(f"{device.id}: {state}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
