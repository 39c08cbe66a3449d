"""The tests of a room: each name is a file NAME.cc and a target."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")
load("//:lib/copts.bzl", "WARDEN_COPTS")
load("//:lib/public.bzl", "PUBLIC_HEADERS", "WARDEN_TARGETS")

# The folders of test/ that have tests: those of lib/, the hosts that make it hard for all of it, and the helpers' own.
TEST_ROOMS = [
    "base",
    "child",
    "host",
    "keeper",
    "os",
    "output",
    "run",
    "spawn",
    "stdin",
    "supervise",
    "support",
    "terminate",
    "testing",
    "tool",
]

# Tests of the host's surroundings: .ci/run runs them plainly, .ci/full with the sanitizers.
ENVIRONMENT = ["environment"]

# Tests of plain values, without a second thread: .ci/run leaves them out with the sanitizers, .ci/full does not.
_ONE_THREAD = ["one-thread"]

# Bazel's sandbox maps one user only, mounts control groups read-only and locks /proc.
NO_SANDBOX = ["no-sandbox"]

_OTHERS = [
    "@boost.outcome//:boost.outcome",
    "@com_google_absl//absl/base:config",
    "@com_google_absl//absl/strings",
    "@com_google_absl//absl/time",
    "@com_google_googletest//:gtest",
]

# The public headers that start no process.
VALUES = _OTHERS + ["//:readiness"] + [
    "//:" + name
    for room in ["base", "output", "stdin", "terminate"]
    for name in PUBLIC_HEADERS[room]
]

_PROCESSES = _OTHERS + WARDEN_TARGETS + [
    "//lib/base",
    "//lib/os",
    "//lib/output:capture",
    "//test/support",
    "//test/support:main",
]

# For the check that the documentation names only tests that are there.
def _sources():
    if not native.existing_rule("sources"):
        native.filegroup(
            name = "sources",
            srcs = native.glob(["*.cc"]),
            visibility = ["//docs/snippets:__pkg__"],
        )

def _tests(names, size, deps, srcs = [], **kwargs):
    _sources()
    for name in names:
        cc_test(
            name = name,
            size = size,
            srcs = [name + ".cc"] + srcs,
            copts = WARDEN_COPTS,
            deps = deps,
            **kwargs
        )

def test_program(name, deps = [], srcs = None):
    """A program that tests start: NAME.cc says how."""
    cc_binary(
        name = name,
        testonly = True,
        srcs = srcs or [name + ".cc"],
        copts = WARDEN_COPTS,
        linkopts = ["-pthread"],
        deps = deps,
    )

def process_tests(names, size = "medium", deps = [], **kwargs):
    """Tests that start processes: with the listener that finds what they leave behind, and the audit of kill(2)."""
    _tests(names, size, _PROCESSES + deps, **kwargs)

def value_tests(names, deps = [], tags = _ONE_THREAD, **kwargs):
    """Tests without a process."""
    _tests(names, "small", VALUES + deps + ["@com_google_googletest//:gtest_main"], tags = tags, **kwargs)

def simulated_tests(names, deps = [], **kwargs):
    """Tests of the mechanism on a simulated kernel and clock: no process, no real time."""
    value_tests(names, deps + [
        "//test/fake",
        "//lib/child:handle",
        "//lib/os",
        "//lib/stdin",
        "//lib/supervise",
        "//lib/terminate",
    ], **kwargs)
