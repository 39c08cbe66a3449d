// Hosts with a very high or very low limit of descriptors.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/seccomp_filter.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr rlim_t kMillion = 1'048'576;
constexpr rlim_t kFew = 4096;

rlim_t hard_limit() {
  struct rlimit now = {};
  ::getrlimit(RLIMIT_NOFILE, &now);
  return now.rlim_max;
}

bool set_limit(rlim_t limit) {
  const struct rlimit wanted = {limit, limit};
  return ::setrlimit(RLIMIT_NOFILE, &wanted) == 0;
}

// Raises the limit as far as this process may, to a million at most. Call it only in a process of its own.
int raise_limit() {
  rlim_t limit = kMillion;
  if (!set_limit(limit)) {
    limit = std::min(hard_limit(), kMillion);
    EXPECT_TRUE(set_limit(limit)) << limit;
  }
  EXPECT_GE(limit, kFew);
  return static_cast<int>(limit);
}

bool may_have_many() { return hard_limit() >= kFew || ::geteuid() == 0; }

// How the child closes the host's descriptors.
struct Closing {
  const char* test;
  std::vector<RefusedCall> refused;
};

void PrintTo(const Closing& closing, std::ostream* out) { *out << closing.test; }

class ManyDescriptors : public ::testing::TestWithParam<Closing> {};

// The filter kills a child that closes number by number, at a number that is not open: the cost of such a spawn would
// grow with the limit.
TEST_P(ManyDescriptors, TheChildHasExactlyItsOwnAndNoNumberIsTriedThatIsNotOpen) {
  if (!may_have_many()) GTEST_SKIP() << "the hard limit is " << hard_limit();
  run_isolated_unchecked([] {
    const int highest = raise_limit() - 1;
    for (const int fd : {20, 2000, highest - 1, highest}) ASSERT_EQ(::dup3(1, fd, 0), fd);
    std::vector<RefusedCall> refused = GetParam().refused;
    const auto is = RefusedCall::When::kArgumentIs;
    const auto never_open = static_cast<std::uint32_t>(highest - 1000);
    refused.push_back({SYS_close, RefusedCall::kKills, is, never_open});
    refused.push_back({SYS_fcntl, RefusedCall::kKills, is, never_open});
    ASSERT_TRUE(refuse_system_calls(refused));
    Command command(test_child_path());
    const Report report = report_of(command.inherit_fd(highest, 30).inherit_fd(2, highest));
    EXPECT_EQ(open_descriptors(report), "0 1 2 30 " + std::to_string(highest));
    EXPECT_EQ(file_of(report, highest), file_of(2));
    for (const int fd : {20, 2000, highest - 1, highest}) EXPECT_EQ(::fcntl(fd, F_GETFD), 0) << fd;
  });
}

TEST_P(ManyDescriptors, AGroupIsTerminated) {
  if (!may_have_many()) GTEST_SKIP() << "the hard limit is " << hard_limit();
  run_isolated_unchecked([] {
    const int highest = raise_limit() - 1;
    ASSERT_EQ(::dup3(1, highest, 0), highest);
    ASSERT_TRUE(refuse_system_calls(GetParam().refused));
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "sleep"})).value();
    ack.close_write();
    wait_forked(ack, {"ready", "child ready"});
    const auto ended = child.terminate(TerminationPolicy::service(absl::Milliseconds(50)));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_TRUE(ack.wait_eof());
    EXPECT_EQ(::fcntl(highest, F_GETFD), 0);
  });
}

std::vector<Closing> closings() {
  const RefusedCall close_range = {SYS_close_range, ENOSYS};
  return {{"AtOnce", {{SYS_acct, ENOSYS}}},
          {"WithoutCloseRange", {close_range}},
          {"WithoutCloseRangeAndUnshare", {close_range, {SYS_unshare, EPERM}}}};
}

std::string test_name(const ::testing::TestParamInfo<Closing>& closing) { return closing.param.test; }

INSTANTIATE_TEST_SUITE_P(Each, ManyDescriptors, ::testing::ValuesIn(closings()), test_name);

constexpr int kNeverOpen = 2999;

// Checks the filter that the tests above rely on.
TEST(TheFilterOfTheseTests, KillsWhoClosesTheNumber) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    refuse_system_calls({{SYS_close, RefusedCall::kKills, RefusedCall::When::kArgumentIs, kNeverOpen}});
    ::close(kNeverOpen - 1);
    ::close(kNeverOpen);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

// The tests above use the highest limit that they can get.
TEST(ManyDescriptors, AreAMillionHere) {
  struct rlimit before = {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const bool raised = set_limit(kMillion);
  if (!raised) GTEST_SKIP() << "no, but " << before.rlim_max << ": nobody here may raise the hard limit to a million";
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

// The last resort, with neither close_range nor a listing: the child closes every possible number, including the
// highest.
TEST(WithoutListing, EveryNumberIsClosedOneByOne) {
  if (!may_have_many()) GTEST_SKIP() << "the hard limit is " << hard_limit();
  run_isolated_unchecked([] {
    const int highest = raise_limit() - 1;
    // Its end of file shows that the child has closed it.
    AckPipe held;
    ASSERT_EQ(::dup3(held.write_fd(), highest, 0), highest);
    held.close_write();
    ASSERT_TRUE(refuse_system_calls({{SYS_close_range, ENOSYS}, {SYS_getdents64, EPERM}}));
    Child child = Child::spawn(test_command({"sleep"})).value();
    ::close(highest);
    EXPECT_TRUE(held.wait_eof());
    // Without a listing of /proc the library cannot tell whether the group is empty.
    child.send_signal(Signal::kill()).value();
    EXPECT_EQ(child.wait().value().signal(), Signal::kill());
  });
}

// The child inherits the highest number, so its copy of the table is as full as the host's, yet it needs a free number
// for /dev/null and for the descriptors that it moves.
TEST(AFullTable, AChildThatInheritsTheHighestNumberHasItsStreams) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    const ScarceDescriptors scarce(0);
    const int highest = ScarceDescriptors::kTableSize - 1;
    Command command = test_command(ack, {"read", "exit", "4"});
    command.inherit_fd(highest, highest - 1).inherit_fd(highest - 1, highest);
    Result<Child, SpawnError> child = Child::spawn(command.stdin_from(Stdio::null()));
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_TRUE(ack.wait_for("eof 0"));
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(4));
  });
}

// ---- 256 descriptors, and more children than that.

// What the i-th child does: most exit, some end at a signal, some ignore it, and some leave that to a descendant.
std::vector<std::string> mode_of(int i) {
  if (i % 10 == 7) return {"stubborn"};
  if (i % 10 == 8) return {"fork", "stubborn", "--", "sleep"};
  if (i % 10 == 9) return {"handle", "TERM", "3"};
  return {"sleep"};
}

int lines_of(int i) { return i % 10 == 8 ? 2 : 1; }

std::vector<Child> spawn_many(AckPipe& ack, int count) {
  std::vector<Child> children;
  int expected = 0;
  for (int i = 0; i < count; ++i) {
    Result<Child, SpawnError> child = Child::spawn(test_command(ack, mode_of(i)));
    EXPECT_TRUE(child.has_value()) << child.error();
    if (!child.has_value()) break;
    children.push_back(std::move(child).value());
    expected += lines_of(i);
  }
  while (expected > 0) {
    const std::string line = ack.wait_line();
    if (line == "ready" || line == "child ready") --expected;
    if (line.empty() || line == "(timeout)") break;
  }
  EXPECT_EQ(expected, 0);
  return children;
}

void limit_to_256() {
  const struct rlimit few = {256, 256};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
}

void expect_all_are_terminated(int count) {
  AckPipe ack;
  std::vector<Child> children = spawn_many(ack, count);
  ack.close_write();
  const std::vector<int> fillers = ScarceDescriptors::fill_table();
  TerminationPolicy policy = TerminationPolicy::service(absl::Seconds(1));
  policy.kill_timeout = kBound;  // where hundreds end at once, one takes seconds to end
  const auto all = terminate_all(children, policy);
  for (const int fd : fillers) ::close(fd);
  EXPECT_LT(fillers.size(), 10u);  // the children use all the others
  ASSERT_EQ(all.size(), static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto& ended = all[static_cast<std::size_t>(i)];
    ASSERT_TRUE(ended.has_value()) << i << ": " << ended.error();
    const ExitStatus status = ended.value().status;
    if (i % 10 == 9) {
      EXPECT_EQ(status, ExitStatus::exited(3));
    } else {
      EXPECT_EQ(status.signal(), i % 10 == 7 ? Signal::kill() : Signal::terminate());
    }
  }
  EXPECT_TRUE(ack.wait_eof());
}

// Each child has its own exit code, and all have ended before the first wait.
void expect_every_status(int count) {
  AckPipe gate;
  std::vector<Child> children;
  for (int i = 0; i < count; ++i) {
    Command command = test_command({"read", "exit", std::to_string(i % 256)});
    Result<Child, SpawnError> child = Child::spawn(command.stdin_from(Stdio::fd(gate.read_fd())));
    ASSERT_TRUE(child.has_value()) << child.error();
    children.push_back(std::move(child).value());
  }
  EXPECT_EQ(ScarceDescriptors::count_free(), 0);
  for (Child& child : children) EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  gate.close_write();
  for (int i = 0; i < count; ++i) {
    EXPECT_EQ(children[static_cast<std::size_t>(i)].wait().value(), ExitStatus::exited(i % 256)) << i;
  }
}

// Reapers of children without a pidfd have descriptor tables of their own, as does a thread that reads /proc.
#if defined(__SANITIZE_THREAD__)
#define SKIP_UNDER_SANITIZER() GTEST_SKIP() << "TSan takes equal numbers in two tables for one descriptor"
#elif defined(__SANITIZE_ADDRESS__)
#define SKIP_UNDER_SANITIZER() GTEST_SKIP() << "the sanitizer needs descriptors of its own"
#else
#define SKIP_UNDER_SANITIZER() static_cast<void>(0)
#endif

TEST(Under256Descriptors, ThreeHundredChildrenAreTerminatedTogether) {
  SKIP_UNDER_SANITIZER();
  run_isolated_unchecked([] {
    limit_to_256();
    check_leaves_nothing([] { expect_all_are_terminated(300); });
  });
}

TEST(Under256Descriptors, ThreeHundredChildrenHaveEachItsStatus) {
  SKIP_UNDER_SANITIZER();
  run_isolated_unchecked([] {
    limit_to_256();
    check_leaves_nothing([] { expect_every_status(300); });
  });
}

TEST(Under256Descriptors, AThousandChildrenAreTerminatedTogetherInWaves) {
  SKIP_UNDER_SANITIZER();
  run_isolated_unchecked([] {
    limit_to_256();
    check_leaves_nothing([] {
      for (int wave = 0; wave < 2; ++wave) expect_all_are_terminated(1000);
    });
  });
}

TEST(Under256Descriptors, AThousandChildrenHaveEachItsStatus) {
  SKIP_UNDER_SANITIZER();
  run_isolated_unchecked([] {
    limit_to_256();
    check_leaves_nothing([] { expect_every_status(1000); });
  });
}

}  // namespace
}  // namespace warden::test_support
