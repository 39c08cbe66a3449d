"""Compiler options for warden's own targets. Both gcc 12 and clang 14 accept all of them."""

WARDEN_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
]

# For the code that runs in a child beside its parent's memory: on a stack of its own, before exec. These come after the
# options of the command line, so a sanitizer build leaves this code alone.
WARDEN_CHILD_SIDE_COPTS = [
    "-O2",
    "-fno-sanitize=all",
    "-fno-stack-protector",
    "-fno-exceptions",
]
