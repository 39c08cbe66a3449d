// A GoogleTest fixture whose tests start children and leave none behind.
//
// Example:
//   class ServerTest : public warden::testing::ChildFixture {};
//
//   TEST_F(ServerTest, Answers) {
//     warden::Command command("my-server");
//     command.arg("--port=5555");
//     warden::testing::SpawnOptions options;
//     options.ready = warden::testing::Ready::on_line("listening");
//     const warden::testing::StartedChild server = spawn(command, options);
//     ASSERT_TRUE(server);
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
#include "warden/testing/started_child.h"

namespace warden::testing {

namespace internal {
class ChildSet;
}

// With parameters: `class MyTest : public ChildFixture, public ::testing::WithParamInterface<int>`.
// Thread-compatible: only the test's own thread may call its functions. The children are as thread-safe as any Child.
class ChildFixture : public ::testing::Test {
 protected:
  ChildFixture();
  // Ends the children where TearDown() has not: a derived class's TearDown() did not call it, or a constructor failed.
  ~ChildFixture() override;

  // Starts the command and waits until the child is ready. The fixture owns the child until the end of the test: the
  // pointer is valid until then, and the test must not move from it.
  // Where the command leaves a stream unset, stdin is /dev/null, and stdout and stderr are captured. The child dies
  // with this process (Command::die_with_parent).
  // Blocks: for the spawn, and until the child is ready, ready_timeout at most.
  // Errors: the result is null, and the test fails once, with the reason and the child's last output (started_child.h):
  // ASSERT_TRUE(child). A child that was started but did not get ready is ended before this returns.
  StartedChild spawn(const warden::Command& command, const SpawnOptions& options = {},
                     const Location& where = Location::here());

  // Has TearDown() end all children at the same time, by this policy in place of their own. By default it ends them one
  // after the other, the last one first.
  // Errors: an invalid policy fails the test, and changes nothing.
  void end_all_at_once(const warden::TerminationPolicy& policy = warden::TerminationPolicy::service(absl::Seconds(5)),
                       const Location& where = Location::here());

  // Ends every child and its group, also the group that a child which ended by itself has left. Fails the test, once
  // for each child, when
  // - the child or a process of its group could not be ended,
  // - the child crashed: it died of a signal that did not come through its Child,
  // - the child had ended before although it should not have (SpawnOptions::may_exit).
  // The last two do not count where the test has seen the end: where a wait(), try_wait(), wait_until_ready(),
  // terminate() or kill() has reported it. When the test has failed, by this or before, TearDown() prints the last
  // lines of each child, and writes its kept output and the attempts to end it to files in
  // $TEST_UNDECLARED_OUTPUTS_DIR, where Bazel sets that. Otherwise it prints nothing. A derived class's TearDown()
  // calls this one. A second call does nothing.
  // Blocks: for each child as Child::terminate does by its policy; for 3 s more for each when the test has failed and a
  // process holds the child's output open.
  void TearDown() override;

 private:
  const std::unique_ptr<internal::ChildSet> children_;
};

}  // namespace warden::testing

#endif  // WARDEN_TESTING_CHILD_FIXTURE_H_
