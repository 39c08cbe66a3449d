// Crowds of children in hosts that reap them before the library does. WARDEN_CROWD is the number of children for each
// host: 500 by default, so that the test is quick; `.ci/full` sets 10,000.
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/kept_status.h"
#include "test/support/sigchld_disposition.h"
#include "test/support/thief.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr int kWave = 250;  // alive at once
constexpr int kWaiters = 4;

int crowd() {
  const char* const given = ::getenv("WARDEN_CROWD");
  return given == nullptr ? 500 : ::atoi(given);
}

enum class Host { kPollingThief, kWaitingThief, kLookingThief, kIgnoresSigchld, kNoChildWait };

void PrintTo(Host host, std::ostream* out) {
  const char* const names[] = {"PollingThief", "WaitingThief", "LookingThief", "IgnoresSigchld", "NoChildWait"};
  *out << names[static_cast<int>(host)];
}

// This process is such a host while the object exists.
class HostileHost {
 public:
  explicit HostileHost(Host host) {
    if (host == Host::kPollingThief) thief_.emplace(Thief::Way::kPollingWaitpid);
    if (host == Host::kWaitingThief) thief_.emplace(Thief::Way::kWait);
    if (host == Host::kLookingThief) thief_.emplace(Thief::Way::kLookThenWaitid);
    if (host == Host::kIgnoresSigchld) disposition_.emplace(SIG_IGN, 0);
    if (host == Host::kNoChildWait) disposition_.emplace(SIG_DFL, SA_NOCLDWAIT);
  }

  // The least number of `all` children that the host reaps: every one where the kernel does it, else at least one.
  int takes_of(int all) const { return thief_ ? 1 : all; }

 private:
  std::optional<SigchldDisposition> disposition_;
  std::optional<Thief> thief_;
};

// Returns how the child with this index ends: exit codes and signals in turn.
ExitStatus end_of(int index) {
  const Signal signals[] = {Signal::kill(), Signal::terminate(), Signal::user1(), Signal::hangup()};
  if (index % 2 == 0) return ExitStatus::exited(index / 2 % 256);
  return ExitStatus::signaled(signals[index / 2 % 4], false);
}

// A shell that ends like that at the end of its stdin.
Command command_of(int index, const AckPipe& held) {
  const ExitStatus end = end_of(index);
  const std::string last = end.exit_code() ? "exit " + std::to_string(*end.exit_code())
                                           : "kill -" + std::to_string(end.signal()->number()) + " $$";
  Command command("/bin/sh");
  command.args({"-c", "read line; " + last}).stdin_from(Stdio::fd(held.read_fd()));
  return command;
}

ExitStatus wait_somehow(Child& child, int index) {
  if (index % 3 == 0) return child.wait().value();
  if (index % 3 == 1) return *child.wait_for(kBound).value();
  for (;;) {
    if (const auto status = child.try_wait().value()) return *status;
    std::this_thread::yield();
  }
}

// The number of right statuses, and of children that another wait has reaped.
struct Count {
  std::atomic<int> right{0};
  std::atomic<int> taken{0};
};

// Starts all children, then ends them all at once while some threads wait for them.
void run_wave(int first, int count, Count* counted) {
  AckPipe held;
  std::vector<Child> children;
  for (int i = 0; i < count; ++i) children.push_back(Child::spawn(command_of(first + i, held)).value());
  held.close_write();
  std::vector<std::thread> waiters;
  for (int waiter = 0; waiter < kWaiters; ++waiter) {
    waiters.emplace_back([&, waiter] {
      for (int i = waiter; i < count; i += kWaiters) {
        const ExitStatus status = wait_somehow(children[static_cast<size_t>(i)], i / kWaiters);
        const bool right = is_right(status, end_of(first + i));
        EXPECT_TRUE(right) << status << " and not " << end_of(first + i) << " of child " << first + i;
        counted->right += right ? 1 : 0;
        counted->taken += status.resource_usage().has_value() ? 0 : 1;
      }
    });
  }
  for (std::thread& waiter : waiters) waiter.join();
}

class Crowd : public ::testing::TestWithParam<Host> {};

// A thief may be too slow to take any child; more waves follow until it has taken one.
TEST_P(Crowd, EveryStatusIsRight) {
  const int least = crowd();
  int all = 0;
  Count counted;
  const HostileHost host(GetParam());
  const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kBound);
  const auto has_shown_nothing = [&] { return counted.taken < host.takes_of(all); };
  while (all < least || (has_shown_nothing() && std::chrono::steady_clock::now() < give_up)) {
    const int wave = all < least ? std::min(kWave, least - all) : kWave;
    run_wave(all, wave, &counted);
    all += wave;
  }
  EXPECT_EQ(counted.right, all);
  if (has_shown_nothing() && std::thread::hardware_concurrency() == 1) {
    GTEST_SKIP() << "on one processor the host was never quick enough to take a child from us";
  }
  EXPECT_FALSE(has_shown_nothing()) << counted.taken << " of " << all;
  std::cout << counted.taken << " of " << all << " were taken from us\n";
}

// Spawns a leader and a descendant that ignores SIGINT and SIGTERM; returns the descendant's pid.
int spawn_with_descendant(AckPipe& ack, std::vector<Child>* children) {
  Command command("/bin/sh");
  command.args({"-c", "trap '' INT TERM; sleep 1000 & trap - INT TERM; echo \"forked $!\" >&2; exec sleep 1000"})
      .stderr_to(Stdio::fd(ack.write_fd()));
  children->push_back(Child::spawn(command).value());
  return wait_forked(ack, {});
}

TEST_P(Crowd, TerminateAllLeavesNobody) {
  const int groups = std::min(200, crowd());
  const HostileHost host(GetParam());
  AckPipe ack;
  std::vector<Child> children;
  std::vector<std::unique_ptr<Pidfd>> descendants;
  for (int i = 0; i < groups; ++i) {
    descendants.push_back(std::make_unique<Pidfd>(spawn_with_descendant(ack, &children)));
  }
  ack.close_write();
  TerminationPolicy policy = TerminationPolicy::interrupt_first(absl::Milliseconds(50), absl::Milliseconds(50));
  policy.kill_timeout = kBound;  // where hundreds end at once, one takes seconds to end
  const auto ended = terminate_all(children, policy);
  ASSERT_EQ(ended.size(), children.size());
  for (const auto& one : ended) {
    ASSERT_TRUE(one.has_value()) << one.error();
    EXPECT_TRUE(is_right(one.value().status, ExitStatus::signaled(Signal::interrupt(), false))) << one.value().status;
    EXPECT_TRUE(one.value().forced);
  }
  for (const auto& descendant : descendants) EXPECT_TRUE(descendant->is_dead());
  EXPECT_TRUE(ack.wait_eof());
}

INSTANTIATE_TEST_SUITE_P(In, Crowd,
                         ::testing::Values(Host::kPollingThief, Host::kWaitingThief, Host::kLookingThief,
                                           Host::kIgnoresSigchld, Host::kNoChildWait),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace warden::test_support
