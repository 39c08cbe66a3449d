"""The target of one public header."""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("//:lib/copts.bzl", "WARDEN_COPTS")

def public_library(name, deps = [], srcs = []):
    """include/warden/<name>.h, used as "warden/<name>.h", by anybody."""
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = ["include/warden/%s.h" % name],
        copts = WARDEN_COPTS,
        strip_include_prefix = "include",
        visibility = ["//visibility:public"],
        deps = deps,
    )
