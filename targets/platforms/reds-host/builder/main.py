"""SCons: a program for this computer."""

from SCons.Script import Default, DefaultEnvironment

env = DefaultEnvironment()
env.Replace(PROGNAME="firmware", PROGSUFFIX=".elf")
Default(env.BuildProgram())
