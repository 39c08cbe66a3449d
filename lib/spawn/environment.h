// The child's environment and the programs that its PATH leads to.
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

struct FoundPrograms {
  std::vector<std::string> paths;  // in the order in which execvp(3) would try them
  int error = 0;                   // where none can be executed: ENOENT, or EACCES where files of that name exist
};

// Returns a name with a slash as it is. Looks up any other in the PATH of `environment`, and returns absolute paths:
// from the first file of that name on. Does not look at those behind the first that can be executed.
FoundPrograms find_programs(const std::string& name, const Environment& environment);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_ENVIRONMENT_H_
