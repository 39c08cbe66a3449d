// A GoogleTest fixture whose tests start children, and leave none.
//
// Example:
//   class ServerTest : public warden_testing::ChildFixture {};
//
//   TEST_F(ServerTest, Answers) {
//     warden::Command command("my-server");
//     command.arg("--port=5555");
//     warden_testing::SpawnOptions options;
//     options.ready = warden_testing::Ready::on_line("listening");
//     warden::Child* const server = spawn(command, options);
//     ASSERT_NE(server, nullptr);
//     ...
//   }
#ifndef WARDEN_TESTING_CHILD_FIXTURE_H_
#define WARDEN_TESTING_CHILD_FIXTURE_H_

#include <memory>

#include "gtest/gtest.h"
#include "warden/child.h"
#include "warden/command.h"
#include "warden/termination_policy.h"
#include "warden/testing/spawn_options.h"

namespace warden_testing {

namespace internal {
class ChildSet;
}

// With parameters: `class MyTest : public ChildFixture, public ::testing::WithParamInterface<int>`.
// Thread-compatible: its functions are for the test's own thread. The children are as thread-safe as any.
class ChildFixture : public ::testing::Test {
 protected:
  ChildFixture();
  // Ends the children, if a TearDown() of a derived class has not called ours, or a constructor has failed.
  ~ChildFixture() override;

  // Starts the command and waits until it is ready. The child belongs to the fixture, and lives until the end of the
  // test: the pointer is good until then, and must not be moved from.
  // What the command leaves unset is chosen for a test: stdin is /dev/null; stdout and stderr are captured. The child
  // dies with this process (Command::die_with_parent).
  // Blocks: for the spawn, and until the child is ready, ready_timeout at most.
  // Errors: the test fails, with why and what the child has written last, and the result is null: go on with
  // ASSERT_NE(child, nullptr). A child that was started is ended before that.
  warden::Child* spawn(const warden::Command& command, const SpawnOptions& options = {},
                       const Location& where = Location::here());

  // At the end of the test all children are ended at the same time, by this policy in place of their own. By default
  // they are ended one after the other, the last one first.
  // Errors: a wrong policy fails the test, and changes nothing.
  void end_all_at_once(const warden::TerminationPolicy& policy = warden::TerminationPolicy::service(absl::Seconds(5)),
                       const Location& where = Location::here());

  // Ends every child and its group: also what a child has left there that has ended by itself. Fails the test, once for
  // each child, when
  // - it or something of its group could not be ended,
  // - it crashed: it died of a signal that did not come through its Child,
  // - it had ended before although it should not have (SpawnOptions::may_exit).
  // The last two not where the test has seen the end: where a wait(), try_wait(), wait_until_ready(), terminate() or
  // kill() has told it. When the test has failed, by this or before, it prints the last lines of each child, and writes
  // what is kept of its output and what was tried to end it to files in $TEST_UNDECLARED_OUTPUTS_DIR, where Bazel sets
  // that. When not, it prints nothing. A derived class that has its own calls this one. Called again, it does nothing.
  // Blocks: for each child as Child::terminate does by its policy; for 3 s more for each, when the test has failed and
  // somebody holds the child's output.
  void TearDown() override;

 private:
  const std::unique_ptr<internal::ChildSet> children_;
};

}  // namespace warden_testing

#endif  // WARDEN_TESTING_CHILD_FIXTURE_H_
