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

def compile_public_headers(headers):
    """For each name: include/warden/<name>.h alone and twice, with nothing but the target //:<name>."""
    for name in headers:
        source = name + "_header.cc"
        native.genrule(
            name = name + "_header_source",
            outs = [source],
            cmd = "for i in 1 2; do echo '#include \"warden/%s.h\"'; done > $@" % name,
        )
        cc_library(
            name = name + "_header_compiles",
            testonly = True,
            srcs = [source],
            copts = _STRICT,
            deps = ["//:" + name],
        )
