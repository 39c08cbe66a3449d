// The child's environment and the program that its PATH leads to.
#ifndef WARDEN_LIB_SPAWN_ENVIRONMENT_H_
#define WARDEN_LIB_SPAWN_ENVIRONMENT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "warden/command.h"

namespace warden::internal {

// "NAME=value" strings, one behind the other in one piece: a spawn copies the whole environment, and an allocation for
// each variable was most of what it did on its own.
class Environment {
 public:
  // One snapshot of the caller's environment, with the changes applied in order.
  explicit Environment(const std::vector<Command::EnvChange>& changes);

  // As execve(2) wants it, null at the end. Valid as long as this.
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
  int error = 0;     // then: ENOENT, or EACCES where files of that name exist but none can be executed
};

// A name with a slash is itself; another is looked up in the PATH of `environment`. The result of a look-up is
// absolute.
FoundProgram find_program(const std::string& name, const Environment& environment);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_ENVIRONMENT_H_
