"""The libraries of lib/, and who may include whom. lib/README.md says what belongs in which room."""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("//:lib/copts.bzl", "WARDEN_COPTS")
load("//:lib/public.bzl", "PUBLIC_HEADERS")

_GROUND = ["base", "os"]

_CHILD_PARTS = _GROUND + ["output", "spawn", "stdin", "supervise", "terminate"]

# For each room the rooms that it may include beside itself. `testing` and `tool` use the public headers (//:NAME), too.
MAY_INCLUDE = {
    "base": [],
    "os": ["base"],
    "keeper": ["os"],
    "output": _GROUND,
    "supervise": _GROUND + ["keeper"],
    "spawn": _GROUND + ["keeper", "output"],
    "stdin": _GROUND + ["supervise"],
    "terminate": _GROUND + ["supervise"],
    "child": _CHILD_PARTS,
    "run": _CHILD_PARTS + ["child"],
    "testing": _GROUND + ["child", "output", "supervise"],
    "tool": _GROUND + ["output"],
}

_USES_PUBLIC_HEADERS = ["testing", "tool"]

def _room():
    return native.package_name().rpartition("/")[2]

# Those that may include this room.
def _above():
    return ["//lib/%s:__pkg__" % room for room in sorted(MAY_INCLUDE) if _room() in MAY_INCLUDE[room]]

# A public header's target without a room would be visible from everywhere: from below, too.
def _check_deps(deps):
    for dep in deps:
        if dep.startswith("//:") and _room() not in _USES_PUBLIC_HEADERS:
            fail("lib/%s depends on %s: name the target in its room (//lib/ROOM%s)" % (_room(), dep, dep[2:]))

def _files(stems, suffix):
    return native.glob([stem + suffix for stem in stems])

# Threads of the library may run when a shared object that holds it is unloaded: ADR 14.
_LINKOPTS = ["-pthread", "-Wl,-z,nodelete"]

def _library(name, files, hdrs, deps, copts, **kwargs):
    sources = _files(files, ".cc") + [header for header in _files(files, ".h") if header not in hdrs]
    for stem in files:
        if not native.glob([stem + ".cc", stem + ".h"]):
            fail("lib/%s has neither %s.cc nor %s.h" % (_room(), stem, stem))
    _check_deps(deps)
    wrong_includes()
    cc_library(
        name = name,
        srcs = sources,
        hdrs = hdrs,
        copts = WARDEN_COPTS + copts,
        linkopts = _LINKOPTS if sources else [],
        deps = deps,
        **kwargs
    )

def private_library(name, files = None, deps = [], copts = [], **kwargs):
    """FILE.h and FILE.cc, whichever are there, of each of `files`: for the rooms above and the tests."""
    files = files or [name]
    _library(
        name,
        files,
        hdrs = _files(files, ".h"),
        deps = deps,
        copts = copts,
        visibility = _above() + ["//test:__subpackages__"],
        **kwargs
    )

def public_library(name, files = [], deps = []):
    """include/warden/<name>.h and NAME.cc, if there is one, with the FILE.cc of `files`. Outside it is //:<name>."""
    if name not in PUBLIC_HEADERS[_room()]:
        fail("warden/%s.h is not in the table of lib/public.bzl" % name)
    _library(
        name,
        files + ([name] if _files([name], ".cc") else []),
        hdrs = ["//:include/warden/%s.h" % name],
        deps = deps,
        copts = [],
        strip_include_prefix = "/include",
        visibility = _above() + ["//:__pkg__"],
    )

# A private header of each room, and its target.
_SOME_HEADER = {
    "base": ("base", "callback"),
    "child": ("handle", "handle"),
    "keeper": ("protocol", "protocol"),
    "os": ("os", "sys"),
    "output": ("capture", "capture_read_end"),
    "run": ("run", "run_input"),
    "spawn": ("spawn", "spawn_plan"),
    "stdin": ("stdin", "write_stdin"),
    "supervise": ("supervise", "supervised"),
    "terminate": ("terminate", "escalation"),
    "testing": ("process_census", "process_census"),
    "tool": ("tool", "run_flags"),
}

def wrong_includes():
    """For each room that this one may not include, a target that does. None must build: .ci/check_directions.

    A library of the rules above brings them; only a room without one has to ask for them."""
    for room in sorted(MAY_INCLUDE):
        target, header = _SOME_HEADER[room]
        name = "wrong_include_of_" + room
        if room == _room() or room in MAY_INCLUDE[_room()] or native.existing_rule(name):
            continue
        native.genrule(
            name = name + "_source",
            testonly = True,
            outs = [name + ".cc"],
            cmd = "echo '#include \"lib/%s/%s.h\"' >$@" % (room, header),
            tags = ["manual"],
        )
        cc_library(
            name = name,
            testonly = True,
            srcs = [name + ".cc"],
            tags = ["manual"],
            deps = ["//lib/%s:%s" % (room, target)],
        )
