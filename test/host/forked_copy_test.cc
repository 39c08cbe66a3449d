// After fork(2): a handle in the copy is inert, and the parent's goes on as if nothing had happened.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/each_containment.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "warden/child.h"
#include "warden/readiness.h"
#include "warden/terminate_all.h"

// ThreadSanitizer ends a process that creates a thread after it was forked from one with several, and takes threads of
// the parent that have finished for unjoined ones of the copy.
#ifdef ABSL_HAVE_THREAD_SANITIZER
#define SKIP_WHERE_TSAN_MISTAKES_THREADS_OF_COPIES() GTEST_SKIP() << "not under TSan, for the threads of the copy"
#else
#define SKIP_WHERE_TSAN_MISTAKES_THREADS_OF_COPIES() static_cast<void>(0)
#endif

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const TerminationPolicy kPatient = TerminationPolicy::service(kBound);

class ForkedCopy : public EachContainment {
 protected:
  static Child spawn(Command command) { return Child::spawn(contained(std::move(command))).value(); }

  // Spawns a child that acknowledges each of these signals and goes on. The child is ready.
  static Child spawn_witness(AckPipe& ack) {
    Command command = test_command(ack, {"mark", "INT", "TERM", "CONT", "USR1"});
    Child child = spawn(command.name("witness").stdin_from(Stdio::pipe()));
    EXPECT_TRUE(ack.wait_for("ready"));
    return child;
  }
};
WARDEN_FOR_EACH_CONTAINMENT(ForkedCopy);

// The owner can use the child, and no signal has been sent to it so far.
void expect_untouched(AckPipe& ack, Child& child) {
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  ASSERT_TRUE(child.send_signal(Signal::user1()).has_value());
  EXPECT_EQ(ack.wait_line(), "got SIGUSR1") << "and nothing before";
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

void expect_not_owner(Child& child) {
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kUncertain);
  EXPECT_EQ(child.state().error, Errc::kNotOwner);
  EXPECT_EQ(child.wait_for(absl::ZeroDuration()).error().code, Errc::kNotOwner);
  EXPECT_EQ(child.kill().error().code, Errc::kNotOwner);
}

TEST_P(ForkedCopy, RefusesEveryWait) {
  AckPipe ack;
  Child child = spawn_witness(ack);
  run_isolated_unchecked([&child] {
    EXPECT_EQ(child.wait().error().code, Errc::kNotOwner);
    EXPECT_EQ(child.wait().error().process_name, "witness");
    EXPECT_EQ(child.wait_for(kBound).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.wait_for(-kBound).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.wait_until(std::chrono::steady_clock::time_point()).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.try_wait().error().code, Errc::kNotOwner);
    EXPECT_EQ(child.wait_until_ready([] { return true; }, kBound, kBound).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kUncertain);
    EXPECT_EQ(child.state().error, Errc::kNotOwner);
    const WaitOrTerminateError error = child.wait_or_terminate(kBound, kPatient).error();
    EXPECT_EQ(error.kind, WaitOrTerminateError::Kind::kRefused);
    EXPECT_EQ(make_error_code(error), Errc::kNotOwner);
    EXPECT_EQ(error.process_name, "witness");
  });
  expect_untouched(ack, child);
}

TEST_P(ForkedCopy, RefusesEverySignalAndTermination) {
  AckPipe ack;
  Child child = spawn_witness(ack);
  run_isolated_unchecked([&child] {
    EXPECT_EQ(child.terminate(kBound, kBound).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.terminate(kBound, kBound).error().process_name, "witness");
    EXPECT_EQ(child.terminate(kPatient).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.terminate_with_report(kPatient).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.kill().error().code, Errc::kNotOwner);
    EXPECT_EQ(child.send_interrupt_signal().error().code, Errc::kNotOwner);
    EXPECT_EQ(child.send_terminate_signal().error().code, Errc::kNotOwner);
    EXPECT_EQ(child.send_signal(Signal::user1()).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.terminate_on_destruction(kPatient).error().code, Errc::kNotOwner);
    std::vector<Child> children;
    children.push_back(std::move(child));
    const auto ended = terminate_all(children, kPatient);
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended[0].error().code, Errc::kNotOwner);
  });
  expect_untouched(ack, child);
}

TEST_P(ForkedCopy, KeepsNumberAndNameAndKnowsNothingElse) {
  AckPipe ack;
  Child child = spawn_witness(ack);
  ASSERT_TRUE(child.send_signal(Signal::user1()).has_value());
  EXPECT_EQ(ack.wait_line(), "got SIGUSR1");
  const int pid = child.pid();
  const int stdin_fd = child.stdin_fd();
  run_isolated_unchecked([&] {
    EXPECT_EQ(child.pid(), pid);
    EXPECT_EQ(child.name(), "witness");
    EXPECT_TRUE(child.attempt_log().empty());
    EXPECT_EQ(child.stdin_fd(), -1);
    EXPECT_EQ(child.write_stdin("hello", kBound).error().kind, StdinError::Kind::kRefused);
    EXPECT_EQ(child.write_stdin("hello", kBound).error().code, Errc::kNotOwner);
    child.close_stdin();
    EXPECT_GE(::fcntl(stdin_fd, F_GETFD), 0) << "that closes nothing here";
    child.detach_on_destruction();
    child.kill_on_destruction();
  });
  EXPECT_EQ(child.attempt_log().size(), 1u);
  EXPECT_EQ(child.stdin_fd(), stdin_fd);
  expect_untouched(ack, child);
}

TEST_P(ForkedCopy, IsDestroyedInSilenceAndClosesItsDescriptors) {
  const CapturedLog log;
  AckPipe ack;
  auto child = std::make_unique<Child>(spawn_witness(ack));
  ASSERT_TRUE(child->terminate_on_destruction(kPatient).has_value());
  const int stdin_fd = child->stdin_fd();
  run_isolated_unchecked([&] {
    const auto before = ProcessSnapshot::take().descriptors;
    child.reset();
    const auto after = ProcessSnapshot::take().descriptors;
    std::map<int, std::string> closed = before;
    for (const auto& [fd, file] : after) EXPECT_EQ(closed.erase(fd), 1u) << file;
    EXPECT_EQ(closed.erase(stdin_fd), 1u);
    std::vector<std::string> files;
    for (const auto& [fd, file] : closed) files.push_back(file);
    if (GetParam() == Containment::kTree) {
      EXPECT_THAT(files, UnorderedElementsAre(HasSubstr("pidfd"), HasSubstr("pidfd"), HasSubstr("socket")))
          << "its keeper's, too";
    } else {
      EXPECT_THAT(files, ElementsAre(HasSubstr("pidfd")));
    }
    EXPECT_THAT(log.records(), IsEmpty());
  });
  EXPECT_THAT(log.records(), IsEmpty());
  EXPECT_EQ(child->stdin_fd(), stdin_fd);
  expect_untouched(ack, *child);
}

TEST_P(ForkedCopy, OfAnArmedHandleWithoutAPolicyIsDestroyedInSilenceToo) {
  const CapturedLog log;
  AckPipe ack;
  auto child = std::make_unique<Child>(spawn_witness(ack));
  run_isolated_unchecked([&] {
    child.reset();
    EXPECT_THAT(log.records(), IsEmpty());
  });
  expect_untouched(ack, *child);
}

TEST_P(ForkedCopy, OfAHandleWhoseChildHasEndedIsInert) {
  SKIP_WHERE_TSAN_MISTAKES_THREADS_OF_COPIES();
  auto child = std::make_unique<Child>(spawn(test_command({"exit", "3"})));
  EXPECT_EQ(child->wait().value().exit_code(), 3);
  run_isolated_unchecked([&] {
    expect_not_owner(*child);
    child.reset();
  });
  EXPECT_EQ(child->wait().value().exit_code(), 3);
}

TEST_P(ForkedCopy, ThatIsDestroyedDoesNotKeepTheChildsStdinOpen) {
  AckPipe ack;
  AckPipe copy_says, copy_may_go;
  auto child = std::make_unique<Child>(spawn(test_command(ack, {"read"}).stdin_from(Stdio::pipe())));
  ASSERT_TRUE(ack.wait_for("ready"));
  const pid_t copy = ::fork();
  ASSERT_GE(copy, 0);
  if (copy == 0) {
    child.reset();
    copy_may_go.close_write();
    if (::write(copy_says.write_fd(), "inert\n", 6) != 6) ::_exit(1);
    ::_exit(copy_may_go.wait_eof() ? 0 : 1);
  }
  EXPECT_TRUE(copy_says.wait_for("inert"));
  child->close_stdin();
  EXPECT_EQ(ack.wait_line(), "eof 0") << "while the copy lives";
  copy_may_go.close_write();
  int status = -1;
  EXPECT_EQ(::waitpid(copy, &status, 0), copy);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(child->wait().value().exit_code(), 0);
}

TEST_P(ForkedCopy, CanHaveChildrenOfItsOwnBesideInertHandles) {
  SKIP_WHERE_TSAN_MISTAKES_THREADS_OF_COPIES();
  const CapturedLog log;
  AckPipe ack;
  Child child = spawn_witness(ack);
  run_isolated([&] {
    Child waited = spawn(test_command({"exit", "3"}));
    Child ended = spawn(test_command({"sleep"}));
    { const Child abandoned = spawn(test_command({"sleep"}).name("abandoned")); }
    expect_not_owner(child);
    EXPECT_EQ(waited.wait().value().exit_code(), 3);
    EXPECT_EQ(ended.terminate(kBound, kBound).value().signal(), Signal::interrupt());
    ASSERT_EQ(log.records().size(), 1u);
    EXPECT_EQ(log.records()[0].name, "abandoned");
  });
  EXPECT_THAT(log.records(), IsEmpty());
  expect_untouched(ack, child);
}

TEST_P(ForkedCopy, CanBeReplacedByAChildOfTheCopy) {
  SKIP_WHERE_TSAN_MISTAKES_THREADS_OF_COPIES();
  AckPipe ack;
  Child child = spawn_witness(ack);
  run_isolated_unchecked([&child] {
    child = spawn(test_command({"sleep"}).name("own"));
    EXPECT_EQ(child.name(), "own");
    EXPECT_EQ(child.kill().value().signal(), Signal::kill());
    EXPECT_TRUE(wait_until_childless());
  });
  expect_untouched(ack, child);
}

TEST_P(ForkedCopy, OfACopyIsInertWhetherThatOneHadChildrenOrNot) {
  SKIP_WHERE_TSAN_MISTAKES_THREADS_OF_COPIES();
  const CapturedLog log;
  AckPipe ack;
  auto child = std::make_unique<Child>(spawn_witness(ack));
  run_isolated_unchecked([&] {
    run_isolated_unchecked([&] {
      expect_not_owner(*child);
      child.reset();
    });
    auto own = std::make_unique<Child>(spawn(test_command({"sleep"})));
    run_isolated_unchecked([&] {
      expect_not_owner(*child);
      expect_not_owner(*own);
      auto third = std::make_unique<Child>(spawn(test_command({"sleep"})));
      expect_not_owner(*child);
      expect_not_owner(*own);
      own.reset();
      child.reset();
      EXPECT_EQ(third->kill().value().signal(), Signal::kill());
    });
    expect_not_owner(*child);
    EXPECT_EQ(own->terminate(kBound, kBound).value().signal(), Signal::interrupt()) << "nobody has killed it";
    EXPECT_THAT(log.records(), IsEmpty());
  });
  expect_untouched(ack, *child);
}

TEST_P(ForkedCopy, LeavesItsParentsHandleUsable) {
  AckPipe ack;
  auto child = std::make_unique<Child>(spawn(test_command(ack, {"handle", "TERM", "7"})));
  ASSERT_TRUE(ack.wait_for("ready"));
  run_isolated_unchecked([&child] { child.reset(); });
  EXPECT_EQ(child->wait_for(absl::ZeroDuration()).value(), std::nullopt);
  EXPECT_TRUE(child->send_terminate_signal().has_value());
  EXPECT_EQ(child->wait().value().exit_code(), 7);
}

TEST_P(ForkedCopy, LeavesAnExcusedChildToTheReaperOfItsParent) {
  AckPipe ack;
  auto child = std::make_unique<Child>(spawn(test_command(ack, {"handle", "USR1", "0"})));
  ASSERT_TRUE(ack.wait_for("ready"));
  child->detach_on_destruction();
  run_isolated_unchecked([&child] { child.reset(); });
  const Pidfd process(child->pid());
  child.reset();
  EXPECT_FALSE(process.is_dead());
  ASSERT_TRUE(process.send(SIGUSR1));
  EXPECT_TRUE(process.wait_reaped());
}

}  // namespace
}  // namespace warden::test_support
