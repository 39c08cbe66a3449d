// What a failed test reports about a child.
#ifndef WARDEN_LIB_TESTING_CHILD_RECORD_H_
#define WARDEN_LIB_TESTING_CHILD_RECORD_H_

#include <optional>
#include <string>

#include "lib/testing/verdict.h"
#include "warden/attempt_log.h"
#include "warden/child.h"
#include "warden/output.h"

namespace warden::testing::internal {

struct ChildRecord {
  std::string name;
  int pid = -1;
  std::string end;                         // its exit status, or that it could not be ended
  std::optional<std::string> problem;      // what is wrong with that end
  warden::AttemptLog attempts;             // what the test, or the end of the test, tried to end it
  std::optional<warden::Output> out, err;  // empty where the stream is not captured
};

// Records a child that its ChildSet ended, or failed to end. Blocks: for the rest of the child's output.
ChildRecord record_of(warden::Child& child, const Sight& before, const std::optional<std::string>& problem,
                      const Outcome& outcome);

// "child 'server' (pid 12): exited with code 3".
std::string headline(const ChildRecord& record);
// Every attempt to end the child, numbered.
std::string attempts_text(const ChildRecord& record);
// The last lines of each captured stream, each after "| ", so that none of them is taken for a line of the test's.
std::string last_lines_text(const ChildRecord& record);

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_CHILD_RECORD_H_
