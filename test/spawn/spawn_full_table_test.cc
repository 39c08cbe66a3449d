// Spawning while no descriptor is free.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"

namespace warden::test_support {
namespace {

// UndefinedBehaviorSanitizer (which our asan configuration includes) opens a pipe to look at an object's type: with no
// descriptor left it takes every object for a broken one.
#if defined(__SANITIZE_ADDRESS__)
#define NEEDS_A_FULL_TABLE() GTEST_SKIP() << "the sanitizer needs descriptors of its own"
#else
#define NEEDS_A_FULL_TABLE() static_cast<void>(0)
#endif

// No descriptor is free while it lives.
class FullTable {
 public:
  FullTable() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const struct rlimit small = {64, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
    for (int fd = 0; (fd = ::fcntl(1, F_DUPFD_CLOEXEC, 0)) >= 0;) fillers_.push_back(fd);
  }
  ~FullTable() {
    for (const int fd : fillers_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  FullTable(const FullTable&) = delete;
  FullTable& operator=(const FullTable&) = delete;

 private:
  struct rlimit before_ = {};
  std::vector<int> fillers_;
};

TEST(SpawnWithAFullTable, AFullTableOfTheParentOnlyCostsThePidfd) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    Command command = test_command(ack, {"read", "exit", "4"});
    command.stdin_from(Stdio::null()).stdout_to(Stdio::fd(2));
    const FullTable full;
    Result<Child, SpawnError> child = Child::spawn(command.stderr_to(Stdio::fd(1)));
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_EQ(ack.wait_line(), "ready");
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(4));
  });
}

TEST(SpawnWithAFullTable, AChildWithoutAPidfdCanBeTerminated) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    Command command = test_command(ack, {"fork", "sleep", "--", "handle", "TERM", "4"});
    auto full = std::make_unique<FullTable>();
    Result<Child, SpawnError> child = Child::spawn(command);
    full = nullptr;
    ASSERT_TRUE(child.has_value()) << child.error();
    ack.close_write();
    const std::vector<std::string> lines = {ack.wait_line(), ack.wait_line(), ack.wait_line()};
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "ready"), 1);
    const auto ended = child.value().terminate(TerminationPolicy::service(absl::Seconds(60)));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value(), ExitStatus::exited(4));
    EXPECT_TRUE(ack.wait_for("got SIGTERM"));
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST(SpawnWithAFullTable, AGroupIsEndedToTheLastMemberWhileTheTableIsFull) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    Command command = test_command(ack, {"fork", "stubborn", "--", "exit", "4"});
    const FullTable full;
    Result<Child, SpawnError> child = Child::spawn(command);
    ASSERT_TRUE(child.has_value()) << child.error();
    ack.close_write();
    EXPECT_TRUE(ack.wait_for("child ready"));
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(4));
    const FullTable still_full;  // the pipe's end has left a number
    const auto ended = child.value().terminate(absl::Milliseconds(50), absl::Milliseconds(50));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value(), ExitStatus::exited(4));
    EXPECT_TRUE(ack.wait_eof());  // the descendant has gone too
  });
}

TEST(SpawnWithAFullTable, AFullTableIsSaidWhereAPipeIsAskedFor) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    const Command command = test_command({"sleep"}).stdin_from(Stdio::pipe());
    const FullTable full;
    const SpawnError error = error_of(command);
    EXPECT_EQ(error.code, std::errc::too_many_files_open);
    EXPECT_EQ(error.step, SpawnStep::kCreatePipe);
  });
}

}  // namespace
}  // namespace warden::test_support
