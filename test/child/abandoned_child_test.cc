// The report of a handle that was destroyed too early: who gets it, when, and what it says.
#include "warden/abandoned_child.h"

#include <signal.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// This process's handler while the object exists.
class Recorder {
 public:
  explicit Recorder(std::function<void(const AbandonedChild&)> also = {}) : also_(std::move(also)) {
    set_abandoned_child_handler(take, this);
  }
  ~Recorder() { set_abandoned_child_handler(nullptr, nullptr); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Each report as "name pid", with ": error" and " unwinding" where it has them.
  const std::vector<std::string>& reports() const { return reports_; }

 private:
  static void take(const AbandonedChild& abandoned, void* context) {
    auto& recorder = *static_cast<Recorder*>(context);
    std::string report = std::string(abandoned.process_name) + " " + std::to_string(abandoned.pid);
    if (!abandoned.error.empty()) report += ": " + std::string(abandoned.error);
    if (abandoned.unwinding) report += " unwinding";
    recorder.reports_.push_back(std::move(report));
    if (recorder.also_) recorder.also_(abandoned);
  }

  std::function<void(const AbandonedChild&)> also_;
  std::vector<std::string> reports_;
};

struct RestoreDefault {
  ~RestoreDefault() { set_abandoned_child_handler(nullptr, nullptr); }
};

Child spawn_sleeper(const std::string& name) { return Child::spawn(test_command({"sleep"}).name(name)).value(); }

std::string report_of(const std::string& name, int pid) { return name + " " + std::to_string(pid); }

TEST(AbandonedChild, IsToldWithNameAndNumberInPlaceOfTheMessage) {
  const CapturedLog log;
  const Recorder recorder;
  int pid = 0;
  {
    const Child child = spawn_sleeper("left");
    pid = child.pid();
  }
  EXPECT_THAT(recorder.reports(), ElementsAre(report_of("left", pid)));
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(AbandonedChild, IsToldWhenTheGroupHasGone) {
  AckPipe ack;
  std::unique_ptr<Pidfd> leader, grandchild;
  bool were_dead = false;
  std::vector<int> left = {-1};
  const Recorder recorder([&](const AbandonedChild& abandoned) {
    were_dead = leader->is_dead() && grandchild->is_dead();
    left = live_members(abandoned.pid);
  });
  {
    const Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"})).value();
    leader = std::make_unique<Pidfd>(child.pid());
    grandchild = std::make_unique<Pidfd>(wait_forked(ack, {"child ready", "ready"}));
  }
  EXPECT_EQ(recorder.reports().size(), 1u);
  EXPECT_TRUE(were_dead);
  EXPECT_THAT(left, IsEmpty());
}

TEST(AbandonedChild, HandlerMayUseTheLibrary) {
  const CapturedLog log;
  std::optional<Signal> ended_by;
  const Recorder recorder([&](const AbandonedChild&) {
    Child own = spawn_sleeper("own");
    ended_by = own.terminate(kBound, kBound).value().signal();
    set_abandoned_child_handler(nullptr, nullptr);
    const Child abandoned = spawn_sleeper("abandoned in the handler");
  });
  { const Child child = spawn_sleeper("first"); }
  EXPECT_EQ(recorder.reports().size(), 1u);
  EXPECT_EQ(ended_by, Signal::interrupt());
  ASSERT_EQ(log.records().size(), 1u) << "the default, which the handler had set by then";
  EXPECT_EQ(log.records()[0].name, "abandoned in the handler");
}

TEST(AbandonedChild, EachIsToldToTheHandlerOfThatTime) {
  const Recorder first;
  { const Child child = spawn_sleeper("one"); }
  const Recorder second;
  { const Child child = spawn_sleeper("two"); }
  { const Child child = spawn_sleeper("three"); }
  EXPECT_EQ(first.reports().size(), 1u);
  EXPECT_EQ(second.reports().size(), 2u);
}

TEST(AbandonedChild, NullHandlerBringsTheDefaultMessageBack) {
  const Recorder recorder;
  set_abandoned_child_handler(nullptr, nullptr);
  {
    const CapturedLog log;
    { const Child child = spawn_sleeper("to the sink"); }
    ASSERT_EQ(log.records().size(), 1u);
    EXPECT_EQ(log.records()[0].severity, LogSeverity::kError);
    EXPECT_EQ(log.records()[0].name, "to the sink");
    EXPECT_THAT(log.records()[0].event, HasSubstr("detach_on_destruction()"));
  }
  ::testing::internal::CaptureStderr();
  { const Child child = spawn_sleeper("to stderr"); }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("warden: child 'to stderr' (pid "));
  EXPECT_THAT(recorder.reports(), IsEmpty());
}

TEST(AbandonedChildDuringAnException, IsToldAsSuchAndHidesNothing) {
  const Recorder recorder;
  std::unique_ptr<Pidfd> one, two;
  int one_pid = 0, two_pid = 0;
  std::string caught;
  try {
    const Child first = spawn_sleeper("one");
    const Child second = spawn_sleeper("two");
    one = std::make_unique<Pidfd>(one_pid = first.pid());
    two = std::make_unique<Pidfd>(two_pid = second.pid());
    throw std::runtime_error("the first mistake");
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  EXPECT_EQ(caught, "the first mistake");
  EXPECT_TRUE(one->is_dead());
  EXPECT_TRUE(two->is_dead());
  EXPECT_THAT(recorder.reports(),
              ElementsAre(report_of("two", two_pid) + " unwinding", report_of("one", one_pid) + " unwinding"));
}

TEST(AbandonedChildDuringAnException, IsAnOrdinaryOneOnceTheExceptionIsCaught) {
  const Recorder recorder;
  int pid = 0;
  try {
    throw std::runtime_error("caught");
  } catch (const std::runtime_error&) {
    const Child child = spawn_sleeper("in the catch block");
    pid = child.pid();
  }
  EXPECT_THAT(recorder.reports(), ElementsAre(report_of("in the catch block", pid)));
}

// Owns a child while its destructor runs.
struct CleansUpWithAChild {
  ~CleansUpWithAChild() {
    const Child child = spawn_sleeper("of the cleanup");
    *pid = child.pid();
  }
  int* pid;
};

TEST(AbandonedChildDuringAnException, IsAnOrdinaryOneOfAHandleThatIsYoungerThanTheException) {
  const Recorder recorder;
  int pid = 0;
  try {
    const CleansUpWithAChild cleanup{&pid};
    throw std::runtime_error("caught");
  } catch (const std::runtime_error&) {
  }
  EXPECT_THAT(recorder.reports(), ElementsAre(report_of("of the cleanup", pid))) << "its own scope was left normally";
}

TEST(AbortOnAbandonedChildDeathTest, WritesTheMessageAndAbortsOnceTheGroupHasGone) {
  AckPipe ack;
  EXPECT_EXIT(
      {
        abort_on_abandoned_child();
        const Child child =
            Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"}).name("left")).value();
        wait_forked(ack, {"child ready", "ready"});
      },
      ::testing::KilledBySignal(SIGABRT), "warden: child 'left' \\(pid [0-9]+\\) destroyed before its end was seen");
  ack.close_write();
  EXPECT_TRUE(ack.wait_eof()) << "nobody of the group holds the pipe";
}

TEST(AbortOnAbandonedChild, LeavesAnExceptionOnItsWayAlone) {
  const RestoreDefault restore;
  abort_on_abandoned_child();
  std::unique_ptr<Pidfd> process;
  std::string caught;
  ::testing::internal::CaptureStderr();
  try {
    const Child child = spawn_sleeper("left");
    process = std::make_unique<Pidfd>(child.pid());
    throw std::runtime_error("the first mistake");
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("warden: child 'left'"));
  EXPECT_EQ(caught, "the first mistake");
  EXPECT_TRUE(process->is_dead());
}

TEST(AbortOnAbandonedChild, DoesNotMindAChildWhoseEndWasSeen) {
  const RestoreDefault restore;
  abort_on_abandoned_child();
  Child ended = spawn_sleeper("ended");
  EXPECT_TRUE(ended.kill().has_value());
  Child detached = Child::spawn(test_command({"exit", "0"})).value();
  const Pidfd process(detached.pid());
  detached.detach_on_destruction();
  { const Child gone = std::move(detached); }
  EXPECT_TRUE(process.wait_reaped());
}

}  // namespace
}  // namespace warden::test_support
