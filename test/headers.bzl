"""Compiles public headers one by one, as a strict user would."""

load("@rules_cc//cc:defs.bzl", "cc_library")

_STRICT = [
    "-fno-exceptions",
    "-fno-rtti",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
]

def _compile(name, header, dep):
    source = name + "_header.cc"
    native.genrule(
        name = name + "_header_source",
        outs = [source],
        cmd = "for i in 1 2; do echo '#include \"%s\"'; done > $@" % header,
    )
    cc_library(
        name = name + "_header_compiles",
        testonly = True,
        srcs = [source],
        copts = _STRICT,
        tags = ["environment"],  # in .ci/run once is enough; .ci/headers has every compiler and standard
        deps = [dep],
    )

def compile_public_headers(headers):
    """For each name: include/warden/<name>.h alone and twice, with nothing but the target //:<name>."""
    for name in headers:
        _compile(name, "warden/%s.h" % name, "//:" + name)

def compile_testing_headers(headers):
    """The same for include/warden/testing/<name>.h, which are all in the target //:testing."""
    for name in headers:
        _compile(name, "warden/testing/%s.h" % name, "//:testing")
