"""The public headers: include/warden/NAME.h, each in the target //:NAME, by the room of lib/ that is behind it."""

PUBLIC_HEADERS = {
    "base": [
        "attempt_log",
        "containment",
        "error",
        "exit_status",
        "function",
        "log",
        "result",
        "signal",
        "timeout",
        "version",
    ],
    "child": [
        "abandoned_child",
        "boost_process",
        "child",
        "readiness",
        "terminate_all",
    ],
    "output": [
        "output",
        "output_drain",
        "output_line",
    ],
    "run": ["run"],
    "spawn": ["command"],
    "stdin": ["stdin_error"],
    "terminate": [
        "termination_error",
        "termination_policy",
        "termination_report",
        "wait_or_terminate",
    ],
}

# What warden/warden.h includes: all but Boost.Process, which few need and whose headers throw.
WARDEN_HEADERS = [
    name
    for room in sorted(PUBLIC_HEADERS)
    for name in PUBLIC_HEADERS[room]
    if name != "boost_process"
]

# Their targets, for code on the public headers.
WARDEN_TARGETS = ["//:warden"] + ["//:" + name for name in WARDEN_HEADERS]

def public_targets(rooms):
    """The same of some rooms, for the rooms above them."""
    return ["//lib/%s:%s" % (room, name) for room in rooms for name in PUBLIC_HEADERS[room]]
