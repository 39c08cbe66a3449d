// A host with none to six free descriptors (EMFILE), at the spawn or only later: every call keeps its promise all the
// same, and loses none of them.
#include <signal.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/send_signal.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

enum class Scarce { kFromTheSpawnOn, kAfterTheSpawn };

// Why the test cannot run under this sanitizer; empty without one.
std::string why_not_under_sanitizer(Scarce moment) {
#if defined(__SANITIZE_ADDRESS__)
  // UndefinedBehaviorSanitizer, which our asan configuration includes, opens a pipe to check an object's type: without
  // a free descriptor it reports every object as broken.
  static_cast<void>(moment);
  return "the sanitizer needs descriptors of its own";
#elif defined(__SANITIZE_THREAD__)
  // The reaper of a child without a pidfd has a descriptor table of its own, as does a thread that reads /proc.
  return moment == Scarce::kFromTheSpawnOn ? "TSan takes equal numbers in two tables for one descriptor" : "";
#else
  static_cast<void>(moment);
  return "";
#endif
}

#define SKIP_UNDER_SANITIZER() \
  if (const std::string why = why_not_under_sanitizer(std::get<1>(GetParam())); !why.empty()) GTEST_SKIP() << why

// The parameters: how many descriptors are left, and from when on.
class ScarceDescriptorsFor : public ::testing::TestWithParam<std::tuple<int, Scarce>> {
 protected:
  struct Host {
    AckPipe ack;
    std::vector<Child> children;
    std::optional<ScarceDescriptors> scarce;
  };

  // In a process of its own, starts the children, each of which is ready after the lines `ready`, and runs the body.
  // Afterwards as many descriptors are free as before, and no process is left.
  static void run(int count, const std::vector<std::string>& mode, const std::vector<std::string>& ready,
                  const std::function<void(Host&)>& body) {
    run_isolated([&] { run_here(count, mode, ready, body); });
  }

  // Runs the body with leaders that SIGTERM ends and descendants that only SIGKILL ends. The body returns false when a
  // busy machine has delayed a leader's end; then it runs again with more time.
  static void run_in_time(int count, const std::function<bool(Host&, const TerminationPolicy&)>& body) {
    run_isolated([&] {
      bool was_in_time = false;
      for (const absl::Duration timeout : {absl::Milliseconds(50), absl::Seconds(1), kBound}) {
        run_here(count, {"fork", "stubborn", "--", "handle", "TERM", "4"}, {},
                 [&](Host& host) { was_in_time = body(host, TerminationPolicy::service(timeout)); });
        if (was_in_time || HasFailure()) break;
      }
      EXPECT_TRUE(was_in_time);
    });
  }

 private:
  static void run_here(int count, const std::vector<std::string>& mode, const std::vector<std::string>& ready,
                       const std::function<void(Host&)>& body) {
    const auto& [left, moment] = GetParam();
    Host host;
    if (moment == Scarce::kFromTheSpawnOn) host.scarce.emplace(left);
    for (int i = 0; i < count; ++i) {
      Result<Child, SpawnError> child = Child::spawn(test_command(host.ack, mode));
      ASSERT_TRUE(child.has_value()) << child.error();
      host.children.push_back(std::move(child).value());
      for (const std::string& line : ready) ASSERT_TRUE(host.ack.wait_for(line));
    }
    host.ack.close_write();
    if (moment == Scarce::kFromTheSpawnOn) host.scarce->take_one();
    if (moment == Scarce::kAfterTheSpawn) host.scarce.emplace(left);
    ASSERT_EQ(ScarceDescriptors::count_free(), moment == Scarce::kAfterTheSpawn ? left : std::max(0, left - count));
    body(host);
    host.children.clear();
    EXPECT_TRUE(host.ack.wait_eof());
  }
};

const std::vector<std::string> kAlone = {"ready"};
// A leader that SIGTERM ends, and a descendant that only SIGKILL ends. Their lines come in any order; the test waits
// for the descendant's last one.
const std::vector<std::string> kWithStubborn = {"fork", "stubborn", "--", "handle", "TERM", "4"};

const TerminationPolicy kImpatient = TerminationPolicy::service(absl::Milliseconds(50));

// Whether the leader ended in time and only its descendant was killed. Otherwise SIGKILL went to both, or the leader's
// handler ended it at that moment.
bool was_swept(const Result<TerminationReport, TerminationError>& ended) {
  EXPECT_TRUE(ended.has_value()) << ended.error();
  if (!ended.has_value()) return false;
  EXPECT_THAT(sent_signals(ended.value().attempts), ElementsAre("SIGTERM group", "SIGKILL group"));
  if (ended.value().status.signal() == Signal::kill()) return false;
  EXPECT_EQ(ended.value().status, ExitStatus::exited(4));
  // The leader ended just as both were killed, so the library has never seen the descendant alone.
  if (ended.value().survivors.empty()) return false;
  EXPECT_EQ(ended.value().survivors.size(), 1u);
  return true;
}

TEST_P(ScarceDescriptorsFor, AWaitReturnsTheStatus) {
  SKIP_UNDER_SANITIZER();
  run(1, {"handle", "USR1", "7"}, kAlone, [](Host& host) {
    Child& child = host.children[0];
    EXPECT_FALSE(child.try_wait().value().has_value());
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
    EXPECT_FALSE(child.wait_for(absl::Milliseconds(1)).value().has_value());
    std::thread waiter([&child] { EXPECT_EQ(child.wait().value(), ExitStatus::exited(7)); });
    EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
    EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(7));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(7));
    EXPECT_EQ(child.try_wait().value(), ExitStatus::exited(7));
    EXPECT_EQ(child.state().status, ExitStatus::exited(7));
    waiter.join();
  });
}

TEST_P(ScarceDescriptorsFor, TerminateSweepsAStubbornDescendant) {
  SKIP_UNDER_SANITIZER();
  run_in_time(1, [](Host& host, const TerminationPolicy& policy) {
    wait_forked(host.ack, {"ready", "child ready"});
    return was_swept(host.children[0].terminate_with_report(policy));
  });
}

TEST_P(ScarceDescriptorsFor, KillEndsTheWholeGroup) {
  SKIP_UNDER_SANITIZER();
  run(1, kWithStubborn, {}, [](Host& host) {
    wait_forked(host.ack, {"ready", "child ready"});
    const auto ended = host.children[0].kill();
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().signal(), Signal::kill());
  });
}

// Only the descendant is left when the escalation begins.
TEST_P(ScarceDescriptorsFor, TerminateSweepsWhatALeaderHasLeftBehind) {
  SKIP_UNDER_SANITIZER();
  run(1, {"fork", "stubborn", "--", "exit", "3"}, {}, [](Host& host) {
    wait_forked(host.ack, {"child ready"});
    EXPECT_EQ(host.children[0].wait().value(), ExitStatus::exited(3));
    const auto ended = host.children[0].terminate_with_report(kImpatient);
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().status, ExitStatus::exited(3));
    EXPECT_TRUE(ended.value().forced);
  });
}

// Only the survivor's end wakes the terminating thread.
TEST_P(ScarceDescriptorsFor, TerminateWaitsForTheLastOfTheGroup) {
  SKIP_UNDER_SANITIZER();
  run(1, {"fork", "mark", "TERM", "--", "handle", "TERM", "4"}, {}, [](Host& host) {
    const int worker = wait_forked(host.ack, {"ready", "child ready"});
    std::thread terminator([&host] {
      const auto ended = host.children[0].terminate(TerminationPolicy::service(kBound));
      ASSERT_TRUE(ended.has_value()) << ended.error();
      EXPECT_EQ(ended.value(), ExitStatus::exited(4));
    });
    EXPECT_TRUE(host.ack.wait_for("child got SIGTERM"));
    EXPECT_TRUE(send_signal_by_number(worker, SIGKILL));  // nothing else ends it here
    terminator.join();
  });
}

TEST_P(ScarceDescriptorsFor, TerminateAllSweepsEveryGroup) {
  SKIP_UNDER_SANITIZER();
  run_in_time(3, [](Host& host, const TerminationPolicy& policy) {
    for (int ready = 0; ready < 6;) {
      const std::string line = host.ack.wait_line();
      EXPECT_TRUE(!line.empty() && line != "(timeout)");
      if (HasFailure()) return false;
      if (line == "ready" || line == "child ready") ++ready;
    }
    const auto all = terminate_all(host.children, policy);
    EXPECT_EQ(all.size(), 3u);
    return std::count_if(all.begin(), all.end(), was_swept) == 3;
  });
}

TEST_P(ScarceDescriptorsFor, WaitOrTerminateDoesBoth) {
  SKIP_UNDER_SANITIZER();
  run_in_time(1, [](Host& host, const TerminationPolicy& policy) {
    wait_forked(host.ack, {"ready", "child ready"});
    const auto ended = host.children[0].wait_or_terminate(absl::Milliseconds(1), policy);
    EXPECT_TRUE(ended.has_value()) << ended.error().to_string();
    if (!ended.has_value()) return false;
    EXPECT_TRUE(ended.value().timed_out());
    if (ended.value().status.signal() == Signal::kill()) return false;
    EXPECT_EQ(ended.value().status, ExitStatus::exited(4));
    return true;
  });
}

TEST_P(ScarceDescriptorsFor, ADestructorKillsTheGroupAndSaysSo) {
  SKIP_UNDER_SANITIZER();
  run(1, kWithStubborn, {}, [](Host& host) {
    wait_forked(host.ack, {"ready", "child ready"});
    const CapturedLog log;
    host.children.clear();
    ASSERT_EQ(log.records().size(), 1u);
    EXPECT_EQ(log.records()[0].error, "");  // the child could be ended
  });
}

TEST_P(ScarceDescriptorsFor, TerminateOnDestructionSweepsTheGroup) {
  SKIP_UNDER_SANITIZER();
  run(1, kWithStubborn, {}, [](Host& host) {
    wait_forked(host.ack, {"ready", "child ready"});
    EXPECT_TRUE(host.children[0].terminate_on_destruction(kImpatient).has_value());
    const CapturedLog log;
    host.children.clear();
    for (const auto& record : log.records()) EXPECT_NE(record.severity, LogSeverity::kError) << record.event;
  });
}

TEST_P(ScarceDescriptorsFor, AFailedSpawnSaysWhyAndLosesNoDescriptor) {
  SKIP_UNDER_SANITIZER();
  run(0, {}, {}, [](Host& host) {
    const int free = ScarceDescriptors::count_free();
    for (const bool die : {false, true}) {
      const auto failed = Child::spawn(Command("/no/such/program").die_with_parent(die));
      ASSERT_FALSE(failed.has_value());
      EXPECT_EQ(failed.error().step, SpawnError::Step::kExec);
      EXPECT_EQ(failed.error().code, std::errc::no_such_file_or_directory);
    }
    EXPECT_EQ(ScarceDescriptors::count_free(), free);
    host.scarce.reset();
  });
}

// The only call that needs descriptors of the host: a pipe takes two.
TEST_P(ScarceDescriptorsFor, AStdinPipeIsHadWhereTwoAreLeftAndElseSaidToBeImpossible) {
  SKIP_UNDER_SANITIZER();
  run(0, {}, {}, [](Host& host) {
    const int free = ScarceDescriptors::count_free();
    {
      Result<Child, SpawnError> child = Child::spawn(test_command({"read", "exit", "4"}).stdin_from(Stdio::pipe()));
      EXPECT_EQ(child.has_value(), free >= 2);
      if (child.has_value()) {
        EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(4));
      } else {
        EXPECT_EQ(child.error().step, SpawnError::Step::kCreatePipe);
        EXPECT_EQ(child.error().code, std::errc::too_many_files_open);
      }
    }
    EXPECT_EQ(ScarceDescriptors::count_free(), free);
    host.scarce.reset();
    Result<Child, SpawnError> retry = Child::spawn(test_command({"read", "exit", "4"}).stdin_from(Stdio::pipe()));
    ASSERT_TRUE(retry.has_value()) << retry.error();
    EXPECT_EQ(retry.value().wait().value(), ExitStatus::exited(4));
  });
}

std::string test_name(const ::testing::TestParamInfo<std::tuple<int, Scarce>>& scarce) {
  const auto& [left, moment] = scarce.param;
  return std::to_string(left) + "Left" + (moment == Scarce::kFromTheSpawnOn ? "FromTheSpawnOn" : "AfterTheSpawn");
}

INSTANTIATE_TEST_SUITE_P(Each, ScarceDescriptorsFor,
                         ::testing::Combine(::testing::Range(0, 7),
                                            ::testing::Values(Scarce::kFromTheSpawnOn, Scarce::kAfterTheSpawn)),
                         test_name);

}  // namespace
}  // namespace warden::test_support
