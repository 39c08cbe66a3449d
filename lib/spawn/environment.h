// The child's environment and the program that its PATH leads to.
#ifndef WARDEN_LIB_SPAWN_ENVIRONMENT_H_
#define WARDEN_LIB_SPAWN_ENVIRONMENT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "lib/spawn/command_options.h"

namespace warden::internal {

// "NAME=value" strings, one behind the other in one buffer. A spawn copies the whole environment: an allocation for
// each variable took most of the time that the library itself spends on a spawn.
class Environment {
 public:
  // One snapshot of the caller's environment, with the changes applied in order.
  explicit Environment(const std::vector<EnvChange>& changes);

  // In the form that execve(2) takes, with a null at the end. Valid as long as this object.
  std::vector<const char*> pointers() const;
  // The value of a variable; nullptr if it is not there. REQUIRES: `name` is not empty.
  const char* find(absl::string_view name) const;

 private:
  void add(absl::string_view entry);

  std::string text_;  // each string with its NUL
  std::vector<std::size_t> begins_;
};

struct FoundProgram {
  std::string path;  // empty if there is none
  int error = 0;     // if so: ENOENT, or EACCES where files of that name exist but none can be executed
};

// Returns a name with a slash as it is. Looks up any other in the PATH of `environment`, and returns an absolute path.
FoundProgram find_program(const std::string& name, const Environment& environment);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_ENVIRONMENT_H_
