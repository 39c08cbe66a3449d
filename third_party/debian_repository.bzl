"""A repository made of build files of ours, for what Debian packages installed."""

def _debian_repository_impl(repository_ctx):
    repository_ctx.file("WORKSPACE", "workspace(name = \"{}\")\n".format(repository_ctx.name))
    for label, path in repository_ctx.attr.files.items():
        repository_ctx.symlink(label, path)
    if repository_ctx.attr.source:
        source = repository_ctx.path(repository_ctx.attr.source)
        if not source.exists:
            fail("{} is missing: install the Debian package {} (./bazelw does it)".format(
                repository_ctx.attr.source,
                repository_ctx.attr.package,
            ))
        repository_ctx.symlink(source, "source")
    if repository_ctx.attr.archives:
        repository_ctx.file("archives.bzl", "ARCHIVES = {}\n".format(repr(_present(repository_ctx))))

# Of the archives those that the linker finds.
def _present(repository_ctx):
    compiler = repository_ctx.os.environ.get("CC", "gcc")
    present = []
    for archive in repository_ctx.attr.archives:
        answer = repository_ctx.execute([compiler, "-print-file-name=" + archive])
        if answer.return_code == 0 and answer.stdout.startswith("/"):
            present.append(archive)
    if not present:
        fail("none of {} is there: install the Debian package {} (./bazelw does it)".format(
            ", ".join(repository_ctx.attr.archives),
            repository_ctx.attr.package,
        ))
    return present

debian_repository = repository_rule(
    implementation = _debian_repository_impl,
    attrs = {
        "archives": attr.string_list(
            doc = "Libraries, of which those that are there are ARCHIVES of `archives.bzl`, in this order.",
        ),
        "files": attr.label_keyed_string_dict(
            doc = "Files of ours, and where in the repository each belongs.",
            allow_files = True,
        ),
        "package": attr.string(doc = "The Debian package that brings `source` or `archives`."),
        "source": attr.string(doc = "A directory of packaged source, which appears as `source/`."),
    },
    # Nothing is downloaded; look again whenever the server starts.
    local = True,
)
