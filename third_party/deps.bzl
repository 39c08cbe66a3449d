"""The dependencies of warden in WORKSPACE mode. MODULE.bazel is the same list for bzlmod."""

load("//third_party:debian_repository.bzl", "debian_repository")

# What Abseil's packages have had between 20210324 and 20260526, those first that need others: the order of
# `pkg-config --static --libs absl_synchronization absl_str_format absl_span`.
_ABSL = [
    "synchronization",
    "kernel_timeout_internal",
    "graphcycles_internal",
    "tracing_internal",
    "stacktrace",
    "symbolize",
    "debugging_internal",
    "demangle_internal",
    "demangle_rust",
    "decode_rust_punycode",
    "utf8_for_code_point",
    "malloc_internal",
    "time",
    "civil_time",
    "str_format_internal",
    "strings",
    "string_view",
    "strings_internal",
    "bad_optional_access",
    "bad_variant_access",
    "bad_any_cast_impl",
    "base",
    "source_location",
    "spinlock_wait",
    "int128",
    "throw_delegate",
    "raw_logging_internal",
    "log_severity",
    "time_zone",
]

def _repository(name, files, **kwargs):
    if native.existing_rule(name):
        return  # The workspace brings its own.
    debian_repository(
        name = name,
        files = {
            Label("//third_party:" + file): path
            for file, path in files.items()
        },
        **kwargs
    )

def warden_deps():
    """Declares each repository that warden uses, unless the workspace already has it.

    Nothing is downloaded: the repositories name what Debian packages (./bazelw lists them)
    installed. Bazel looks at a repository only when something that it builds needs it.
    """

    # What the library needs, and so every user of @warden//:warden.
    _repository(
        name = "com_google_absl",
        files = {
            "absl/root.BUILD": "BUILD.bazel",
            "absl/base.BUILD": "absl/base/BUILD.bazel",
            "absl/cleanup.BUILD": "absl/cleanup/BUILD.bazel",
            "absl/strings.BUILD": "absl/strings/BUILD.bazel",
            "absl/synchronization.BUILD": "absl/synchronization/BUILD.bazel",
            "absl/time.BUILD": "absl/time/BUILD.bazel",
            "absl/types.BUILD": "absl/types/BUILD.bazel",
        },
        archives = ["libabsl_%s.a" % name for name in _ABSL],
        package = "libabsl-dev",
    )
    _repository(
        name = "boost.process",
        files = {"boost_process/root.BUILD": "BUILD.bazel"},
        archives = ["libboost_process.so", "libboost_filesystem.so"],  # the first from Boost 1.87 on
        package = "libboost-filesystem-dev (Debian 12: libboost-filesystem1.81-dev)",
    )
    _repository(
        name = "boost.outcome",
        files = {"boost_outcome/root.BUILD": "BUILD.bazel"},
    )

    # What only the command line tool needs.
    _repository(
        name = "boost.json",
        files = {"boost_json/root.BUILD": "BUILD.bazel"},
    )
    _repository(
        name = "cli11",
        files = {"cli11/root.BUILD": "BUILD.bazel"},
    )

    # What tests need: our own, and those of projects that use @warden//:testing.
    _repository(
        name = "com_google_googletest",
        files = {"googletest/root.BUILD": "BUILD.bazel"},
        source = "/usr/src/googletest",
        package = "googletest",
    )

    # What only the benchmarks need.
    _repository(
        name = "google_benchmark",
        files = {"google_benchmark/root.BUILD": "BUILD.bazel"},
    )

    # Bazel 4.2.3 would download these three. BUILD files load cc rules from @rules_cc.
    _repository(
        name = "rules_cc",
        files = {
            "empty.BUILD": "BUILD.bazel",
            "rules_cc/cc.BUILD": "cc/BUILD.bazel",
            "rules_cc/defs.bzl": "cc/defs.bzl",
        },
    )
    _repository(
        name = "rules_java",
        files = {
            "empty.BUILD": "BUILD.bazel",
            "rules_java/java.BUILD": "java/BUILD.bazel",
            "rules_java/defs.bzl": "java/defs.bzl",
        },
    )
    _repository(
        name = "remote_coverage_tools",
        files = {"remote_coverage_tools/root.BUILD": "BUILD.bazel"},
    )
