#include "test/support/test_child_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace warden::test_support {
namespace {

std::string own_executable() {
  char path[PATH_MAX] = "";
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return std::string(path, size > 0 ? static_cast<size_t>(size) : 0);
}

// `bazel test` sets the variables; a test that is run by hand has its runfiles beside its executable.
std::string runfiles_directory() {
  for (const char* name : {"TEST_SRCDIR", "RUNFILES_DIR"}) {
    if (const char* value = ::getenv(name)) return value;
  }
  return own_executable() + ".runfiles";
}

}  // namespace

std::string runfile_path(const std::string& path) {
  const char* workspace = ::getenv("TEST_WORKSPACE");
  const std::string found = runfiles_directory() + "/" + (workspace != nullptr ? workspace : "warden") + "/" + path;
  char real[PATH_MAX];
  if (::realpath(found.c_str(), real) == nullptr) {
    ::fprintf(stderr, "%s is not among the runfiles: is it in the data of the test?\n", found.c_str());
    ::abort();
  }
  return real;
}

std::string test_child_path() {
  static const std::string& path = *new std::string(runfile_path("test/support/test_child"));
  return path;
}

}  // namespace warden::test_support
