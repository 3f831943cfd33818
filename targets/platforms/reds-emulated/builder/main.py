"""SCons: an ELF and a raw image for a Cortex-M core, with the start-up code and linker scripts of this platform."""

from pathlib import Path

from SCons.Script import Builder, Default, DefaultEnvironment

PREFIX = "arm-none-eabi-"

env = DefaultEnvironment()
folder = Path(env.PioPlatform().get_dir())
core = env.BoardConfig().get("build.arch_flags")

env.Replace(
    AR=PREFIX + "gcc-ar",
    AS=PREFIX + "gcc",
    CC=PREFIX + "gcc",
    CXX=PREFIX + "g++",
    LINK=PREFIX + "gcc",
    OBJCOPY=PREFIX + "objcopy",
    RANLIB=PREFIX + "gcc-ranlib",
    SIZETOOL=PREFIX + "size",
    ARFLAGS=["rc"],
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
)
env.Append(
    CCFLAGS=[*core, "-ffunction-sections", "-fdata-sections"],
    LINKFLAGS=[
        *core,
        "-nostartfiles",
        "--specs=nano.specs",
        "--specs=nosys.specs",
        "-Wl,--gc-sections",
        "-Wl,-Map=" + str(Path("$BUILD_DIR", "firmware.map")),  # kept beside the ELF, for the forensics of failures
        "-Wl,--no-warn-rwx-segments",  # the Pico's image runs from RAM on purpose
        f"-L{folder / 'ldscripts'}",  # PlatformIO itself passes the board's script with -T
    ],
    BUILDERS={"RawImage": Builder(action=env.VerboseAction("$OBJCOPY -O binary $SOURCE $TARGET", "Building $TARGET"))},
)
env.BuildSources(str(Path("$BUILD_DIR", "startup")), str(folder / "runtime"))
elf = env.BuildProgram()
Default(env.RawImage(str(Path("$BUILD_DIR", "firmware.bin")), elf))
