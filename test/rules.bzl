"""The tests of a room: each name is a file NAME.cc and a target."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("//:lib/copts.bzl", "WARDEN_COPTS")

# Beside one another in .bazelrc, .ci/run and .ci/full: what surrounds the host rather than what it does, plainly in
# .ci/run, with the sanitizers in .ci/full.
ENVIRONMENT = ["environment"]

# Nothing for ThreadSanitizer to see: .ci/run leaves them out of its run, .ci/full does not.
_ONE_THREAD = ["one-thread"]

# Bazel's sandbox maps one user only, mounts control groups read-only and locks /proc.
NO_SANDBOX = ["no-sandbox"]

_VALUES = [
    "//:attempt_log",
    "//:error",
    "//:exit_status",
    "//:log",
    "//:output",
    "//:output_line",
    "//:readiness",
    "//:result",
    "//:signal",
    "//:stdin_error",
    "//:termination_error",
    "//:termination_policy",
    "//:termination_report",
    "//:wait_or_terminate",
    "@boost.outcome//:boost.outcome",
    "@com_google_absl//absl/base:config",
    "@com_google_absl//absl/strings",
    "@com_google_absl//absl/time",
    "@com_google_googletest//:gtest",
]

_PROCESSES = _VALUES + [
    "//:child",
    "//:command",
    "//:misuse",
    "//:output_drain",
    "//:run",
    "//:terminate_all",
    "//:warden",
    "//test/support",
    "//test/support:main",
]

def _tests(names, size, deps, srcs = [], **kwargs):
    for name in names:
        cc_test(
            name = name,
            size = size,
            srcs = [name + ".cc"] + srcs,
            copts = WARDEN_COPTS,
            deps = deps,
            **kwargs
        )

def process_tests(names, size = "small", deps = [], **kwargs):
    """Tests that start processes: with the listener that finds what they leave behind, and the audit of kill(2)."""
    _tests(names, size, _PROCESSES + deps, **kwargs)

def value_tests(names, deps = [], tags = _ONE_THREAD, **kwargs):
    """Tests without a process."""
    _tests(names, "small", _VALUES + deps + ["@com_google_googletest//:gtest_main"], tags = tags, **kwargs)

def simulated_tests(names, deps = [], **kwargs):
    """Tests of the mechanism on a simulated kernel and clock: no process, no real time."""
    value_tests(names, deps + [
        "//test/internal:fake",
        "//lib/child:handle",
        "//lib/os",
        "//lib/stdin",
        "//lib/supervise",
        "//lib/terminate",
    ], **kwargs)

def test_sources():
    """For the check that the documentation names only tests that are there."""
    native.filegroup(
        name = "sources",
        srcs = native.glob(["*.cc"]),
        visibility = ["//docs/snippets:__pkg__"],
    )
