// A system whose file table is full (ENFILE): calls that need no file keep their promise, the others say what they
// could not find out, and can be repeated later. The filter applies to one thread only; other threads and processes can
// open files.
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/seccomp_filter.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::IsEmpty;

// Which opens are refused. A child that starts under the filter could not even load its libraries, so for a spawn only
// the library's own opens are refused.
enum class Files { kNone, kNoneOfTheLibrary, kNoPipe };

// Runs the body on a thread that cannot open files.
void run_without_files(Files files, const std::function<void()>& body) {
  std::thread thread([files, &body] {
    std::vector<RefusedCall> refused = {{SYS_pidfd_open, ENFILE}, {SYS_eventfd2, ENFILE}, refused_pidfd_clone(ENFILE)};
    if (files == Files::kNone) {
      refused.push_back({SYS_openat, ENFILE});
    } else if (files == Files::kNoPipe) {
      refused.push_back({SYS_pipe2, ENFILE});
    } else {
      refused.push_back({SYS_openat, ENFILE, RefusedCall::When::kArgumentHasBit, O_DIRECTORY, 2});
    }
    if (refuse_system_calls(refused)) body();
  });
  thread.join();
}

const TerminationPolicy kImpatient = TerminationPolicy::service(absl::Milliseconds(50));

// The call has succeeded, or its error says that the library cannot tell.
template <class Ended>
void expect_done_or_unknown(const Ended& ended) {
  if (ended.has_value()) return;
  EXPECT_EQ(ended.error().kind, TerminationError::Kind::kTerminationFailed);
  EXPECT_EQ(ended.error().code, Errc::kGroupUnknown) << ended.error();
}

// A child with a stubborn descendant.
class WithoutFiles : public ::testing::Test {
 protected:
  WithoutFiles()
      : child_(Child::spawn(test_command(ack_, {"fork", "stubborn", "--", "handle", "TERM", "4"})).value()),
        worker_(wait_forked(ack_, {"ready", "child ready"})) {
    ack_.close_write();
  }

  // Once files can be opened again, the promise is kept.
  void expect_retry_keeps_the_promise() {
    const auto ended = child_.terminate(kImpatient);
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_TRUE(worker_.is_dead());
    EXPECT_THAT(live_members(child_.pid()), IsEmpty());
    EXPECT_TRUE(ack_.wait_eof());
  }

  AckPipe ack_;
  Child child_;
  const Pidfd worker_;
};

TEST_F(WithoutFiles, TerminateKillsTheGroupAndSaysThatItCannotTell) {
  run_without_files(Files::kNone, [this] {
    const auto ended = child_.terminate_with_report(kImpatient);
    expect_done_or_unknown(ended);
    EXPECT_TRUE(worker_.is_dead());  // after 3 s
  });
  expect_retry_keeps_the_promise();
  EXPECT_EQ(child_.wait().value(), ExitStatus::exited(4));
}

TEST_F(WithoutFiles, KillKillsTheGroupAndSaysThatItCannotTell) {
  run_without_files(Files::kNone, [this] { expect_done_or_unknown(child_.kill()); });
  EXPECT_TRUE(worker_.wait_dead());
  expect_retry_keeps_the_promise();
  EXPECT_EQ(child_.wait().value().signal(), Signal::kill());
}

TEST_F(WithoutFiles, WaitOrTerminateHasTheErrorOfTheTermination) {
  run_without_files(Files::kNone, [this] {
    const auto ended = child_.wait_or_terminate(absl::Milliseconds(1), kImpatient);
    if (ended.has_value()) return;
    EXPECT_EQ(ended.error().kind, WaitOrTerminateError::Kind::kTerminationFailed);
    ASSERT_TRUE(ended.error().termination_error.has_value());
    EXPECT_EQ(ended.error().termination_error->code, Errc::kGroupUnknown);
  });
  expect_retry_keeps_the_promise();
}

TEST_F(WithoutFiles, TerminateAllSaysForEachWhatCannotBeTold) {
  std::vector<Child> others;
  for (int i = 0; i < 2; ++i) others.push_back(Child::spawn(test_command({"sleep"})).value());
  run_without_files(Files::kNone, [this, &others] {
    const auto all = terminate_all({&others[0], &child_, &others[1]}, kImpatient);
    ASSERT_EQ(all.size(), 3u);
    for (const auto& ended : all) expect_done_or_unknown(ended);
    // An empty group needs no /proc where the kernel says that it is empty (Linux 6.9); before, the library cannot
    // tell.
  });
  expect_retry_keeps_the_promise();
  for (Child& other : others) {
    const auto ended = other.terminate(kImpatient);
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().signal(), Signal::terminate());
  }
}

TEST_F(WithoutFiles, WaitsAndSignalsNeedNone) {
  run_without_files(Files::kNone, [this] {
    EXPECT_FALSE(child_.try_wait().value().has_value());
    EXPECT_FALSE(child_.wait_for(absl::Milliseconds(1)).value().has_value());
    EXPECT_EQ(child_.state().kind, ProcessState::Kind::kRunning);
    EXPECT_TRUE(child_.send_terminate_signal().has_value());
    EXPECT_EQ(child_.wait().value(), ExitStatus::exited(4));
  });
  expect_retry_keeps_the_promise();
}

TEST_F(WithoutFiles, ADestructorKillsTheGroupAndSaysWhatItCouldNotTell) {
  CapturedLog log;
  run_without_files(Files::kNone, [this] { const Child abandoned = std::move(child_); });
  ASSERT_GE(log.records().size(), 1u);
  EXPECT_EQ(log.records().back().severity, LogSeverity::kError);
  EXPECT_TRUE(worker_.wait_dead());
  EXPECT_TRUE(ack_.wait_eof());
}

TEST(SpawnWithoutFiles, AChildIsStartedWithoutAPidfdAndWaitedFor) {
  run_without_files(Files::kNoneOfTheLibrary, [] {
    Result<Child, SpawnError> child = Child::spawn(test_command({"exit", "7"}));
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(7));
  });
}

TEST(SpawnWithoutFiles, AChildThatWasStartedThereIsEndedWhereThereAreFilesAgain) {
  AckPipe ack;
  std::vector<Child> children;
  run_without_files(Files::kNoneOfTheLibrary, [&ack, &children] {
    children.push_back(Child::spawn(test_command(ack, {"fork", "stubborn", "--", "sleep"})).value());
    wait_forked(ack, {"ready", "child ready"});
    expect_done_or_unknown(children[0].terminate(kImpatient));
  });
  ack.close_write();
  const auto ended = children[0].terminate(kImpatient);
  ASSERT_TRUE(ended.has_value()) << ended.error();
  EXPECT_EQ(ended.value().signal(), Signal::terminate());
  EXPECT_TRUE(ack.wait_eof());
}

TEST(SpawnWithoutFiles, APipeForStdinIsSaidToBeImpossible) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer needs pipes of its own";
#endif
  run_without_files(Files::kNoPipe, [] {
    const auto child = Child::spawn(test_command({"sleep"}).stdin_from(Stdio::pipe()));
    ASSERT_FALSE(child.has_value());
    EXPECT_EQ(child.error().step, SpawnError::Step::kCreatePipe);
    EXPECT_EQ(child.error().code, std::errc::too_many_files_open_in_system);
  });
}

}  // namespace
}  // namespace warden::test_support
