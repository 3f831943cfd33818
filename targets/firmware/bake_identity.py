"""PlatformIO extra script: compiles into the firmware what it says of itself in HELLO, its environment and its identity.

An image that the environment variable names is compiled in too (targets/firmware/src/built_in_image.c).
"""

import os
import sys
from pathlib import Path

Import("env")  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
build = env  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

project_folder = build.subst("$PROJECT_DIR")
if project_folder not in sys.path:
    sys.path.insert(0, project_folder)

from targets.firmware_identity import BUILT_IN_IMAGE_VARIABLE, identity  # noqa: E402

board = build["PIOENV"]
image = os.environ.get(BUILT_IN_IMAGE_VARIABLE)
definitions = {"REDS_BOARD": board, "REDS_FIRMWARE_SHA256": identity(board, image=Path(image).read_bytes() if image else b"")}
if image:
    definitions["REDS_BUILT_IN_IMAGE"] = image
build.Append(CPPDEFINES=[(name, build.StringifyMacro(value)) for name, value in definitions.items()])
