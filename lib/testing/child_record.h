// What is said of a child when its test has failed.
#ifndef WARDEN_LIB_TESTING_CHILD_RECORD_H_
#define WARDEN_LIB_TESTING_CHILD_RECORD_H_

#include <optional>
#include <string>

#include "lib/testing/verdict.h"
#include "warden/attempt_log.h"
#include "warden/child.h"
#include "warden/output.h"

namespace warden_testing::internal {

struct ChildRecord {
  std::string name;
  int pid = -1;
  std::string end;                         // its status, or that it could not be ended
  std::optional<std::string> problem;      // what is wrong with that
  warden::AttemptLog attempts;             // what was tried to end it, by the test or by its end
  std::optional<warden::Output> out, err;  // empty where it is not captured
};

// Of a child that was ended, or was to be. Blocks: for the rest of its output.
ChildRecord record_of(warden::Child& child, const Sight& before, const std::optional<std::string>& problem,
                      const Outcome& outcome);

// "child 'server' (pid 12): exited with code 3".
std::string headline(const ChildRecord& record);
// Every attempt, numbered.
std::string attempts_text(const ChildRecord& record);
// The end of each stream.
std::string last_lines_text(const ChildRecord& record);

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_CHILD_RECORD_H_
