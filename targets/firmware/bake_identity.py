"""PlatformIO extra script: compiles into the firmware what it says of itself in HELLO, its environment and its identity."""

import sys

Import("env")  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
build = env  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

project_folder = build.subst("$PROJECT_DIR")
if project_folder not in sys.path:
    sys.path.insert(0, project_folder)

from targets.firmware_identity import identity  # noqa: E402

board = build["PIOENV"]
definitions = {"REDS_BOARD": board, "REDS_FIRMWARE_SHA256": identity(board)}
build.Append(CPPDEFINES=[(name, build.StringifyMacro(value)) for name, value in definitions.items()])
