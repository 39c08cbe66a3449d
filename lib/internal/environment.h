// The child's environment and the program that its PATH leads to.
#ifndef WARDEN_LIB_INTERNAL_ENVIRONMENT_H_
#define WARDEN_LIB_INTERNAL_ENVIRONMENT_H_

#include <string>
#include <vector>

#include "warden/command.h"

namespace warden::internal {

// One snapshot of the caller's environment, with the changes applied in order: "NAME=value" strings.
std::vector<std::string> make_environment(const std::vector<Command::EnvChange>& changes);

// The value of a variable in such a list; nullptr if it is not there.
const char* find_variable(const std::vector<std::string>& environment, const char* name);

struct FoundProgram {
  std::string path;  // empty if there is none
  int error = 0;     // then: ENOENT, or EACCES where files of that name exist but none can be executed
};

// A name with a slash is itself; another is looked up in the PATH of `environment`. The result of a look-up is
// absolute.
FoundProgram find_program(const std::string& name, const std::vector<std::string>& environment);

}  // namespace warden::internal

#endif  // WARDEN_LIB_INTERNAL_ENVIRONMENT_H_
