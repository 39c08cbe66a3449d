// Several children at once: each goes through its phases by its own clock, and the wait for one delays no other.
#include "lib/terminate/terminate_children.h"

#include <deque>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class TerminateChildrenTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_THAT(sys_.violations(), IsEmpty()); }

  // Adds a child; returns its process.
  FakeProcess& add(const std::string& name) {
    const auto [process, pidfd] = sys_.add_leader(name);
    return begin(process, pidfd);
  }
  FakeProcess& add_without_pidfd(const std::string& name) { return begin(sys_.add_leader(name).first, -1); }
  FakeProcess& begin(FakeProcess& process, int pidfd) {
    Supervised& child = children_.emplace_back(sys_, process.program);
    const Lock lock(child);
    child.begin(lock, {process.pid, pidfd}, /*leads_group=*/true);
    sys_.play_reaper_of(child);
    return process;
  }
  FakeProcess& add_member(const FakeProcess& leader, std::string program) {
    FakeProcess& member = sys_.add_member(std::move(program));
    member.group = leader.pid;
    return member;
  }

  std::vector<TerminationResult> terminate(const TerminationPolicy& policy) {
    std::vector<Supervised*> pointers;
    for (Supervised& child : children_) pointers.push_back(&child);
    return terminate_children(pointers, policy);
  }
  std::size_t scans() const { return sys_.count(FakeSys::Call::kListProcesses); }

  FakeSys sys_;
  LogCapture messages_;
  std::deque<Supervised> children_;
};

TEST_F(TerminateChildrenTest, NobodyIsNothingToDo) {
  EXPECT_THAT(terminate_children({}, usual()), IsEmpty());
  EXPECT_THAT(sys_.calls(), IsEmpty());
}

TEST_F(TerminateChildrenTest, OutcomesAreInTheOrderOfTheChildren) {
  add("first").dies_of(SIGINT, ms(300), ExitStatus::exited(1));
  add("second").dies_of(SIGTERM, ms(1), ExitStatus::exited(2));
  add("third").dies_of(SIGINT, ms(1), ExitStatus::exited(3));
  const std::vector<TerminationResult> ended = terminate(usual());
  ASSERT_THAT(ended, SizeIs(3));
  EXPECT_EQ(ended[0].value().status, ExitStatus::exited(1));
  EXPECT_EQ(ended[1].value().status, ExitStatus::exited(2));
  EXPECT_EQ(ended[1].value().ended_by, AttemptPhase::kTerminate);
  EXPECT_EQ(ended[2].value().status, ExitStatus::exited(3));
  EXPECT_EQ(ended[2].value().ended_by, AttemptPhase::kInterrupt);
}

TEST_F(TerminateChildrenTest, TheTimeIsThatOfTheSlowestAndNotTheSum) {
  for (int i = 0; i < 20; ++i) add(absl::StrCat("child", i)).dies_of(SIGTERM, ms(100 * i));
  terminate(TerminationPolicy::service(seconds(5)));
  EXPECT_EQ(sys_.elapsed(), ms(1900));
}

TEST_F(TerminateChildrenTest, EverybodyGetsThePhasesSignalBeforeAnybodyIsWaitedFor) {
  for (int i = 0; i < 3; ++i) add(absl::StrCat("child", i));
  terminate(usual());
  std::vector<std::string> order;
  for (const FakeSys::Record& call : sys_.calls()) {
    if (call.call == FakeSys::Call::kWait || call.call == FakeSys::Call::kPoll) order.push_back("wait");
    if (call.signal != 0) order.push_back(Signal::from_number(call.signal).value().name());
  }
  EXPECT_THAT(order, ElementsAre("SIGINT", "SIGCONT", "SIGINT", "SIGCONT", "SIGINT", "SIGCONT", "wait",     //
                                 "SIGTERM", "SIGCONT", "SIGTERM", "SIGCONT", "SIGTERM", "SIGCONT", "wait",  //
                                 "SIGKILL", "SIGKILL", "SIGKILL"));
  EXPECT_EQ(sys_.elapsed(), seconds(3));
}

TEST_F(TerminateChildrenTest, OneWhoCannotBeEndedHoldsUpNobodyElse) {
  add("obedient").dies_of(SIGINT, ms(10));
  add("stuck").unkillable = true;
  const std::vector<TerminationResult> ended = terminate(usual());
  EXPECT_TRUE(ended[0].has_value());
  ASSERT_TRUE(ended[1].has_error());
  EXPECT_EQ(ended[1].error().code, Errc::kStillRunning);
  EXPECT_EQ(ended[1].error().process_name, "stuck");
  EXPECT_EQ(sys_.elapsed(), seconds(6));
  for (const std::string& message : messages_.messages()) EXPECT_THAT(message, Not(HasSubstr("obedient")));
}

TEST_F(TerminateChildrenTest, EachHasALogOfItsOwn) {
  add("polite").dies_of(SIGINT, ms(10));
  add("stubborn");
  const std::vector<TerminationResult> ended = terminate(usual());
  EXPECT_THAT(lines_of(ended[0].value().attempts),
              ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: ok",
                          "@0 interrupt send_signal SIGCONT group: ok", "@0 interrupt wait_for_exit SIGINT -: ok +10ms",
                          "@10ms interrupt sweep - group: ok"));
  EXPECT_THAT(lines_of(ended[1].value().attempts), Contains("@3s kill send_signal SIGKILL group: ok"));
  EXPECT_TRUE(ended[1].value().forced);
}

TEST_F(TerminateChildrenTest, OneReadingOfProcServesAllWhoNeedOne) {
  sys_.pidfd_group_signals = false;  // only /proc tells that a group is empty
  for (int i = 0; i < 50; ++i) add(absl::StrCat("child", i)).dies_of(SIGTERM, ms(10));
  const std::vector<TerminationResult> ended = terminate(TerminationPolicy::service(seconds(5)));
  for (const TerminationResult& one : ended) EXPECT_TRUE(one.has_value());
  EXPECT_LE(scans(), 2u);
  EXPECT_LE(sys_.elapsed(), ms(12));
}

TEST_F(TerminateChildrenTest, LeadersThatDieAtOnceShareAReadingAfterTheLastSignal) {
  for (int i = 0; i < 50; ++i) {
    FakeProcess& leader = add(absl::StrCat("child", i)).dies_of(SIGTERM);
    add_member(leader, "worker").dies_of(SIGTERM, ms(50));
  }
  const std::vector<TerminationResult> ended = terminate(TerminationPolicy::service(seconds(5)));
  for (const TerminationResult& one : ended) EXPECT_TRUE(one.has_value());
  bool was_read = false;
  for (const FakeSys::Record& call : sys_.calls()) {
    if (call.call == FakeSys::Call::kListProcesses) was_read = true;
    EXPECT_FALSE(was_read && call.signal != 0) << "a signal after the first reading";
  }
  EXPECT_LE(scans(), 5u);
}

TEST_F(TerminateChildrenTest, ASinkThatThrowsLeavesNobodyBehindToBeTold) {
  add("child").dies_of(SIGTERM, ms(10));
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  set_log_sink([](const LogRecord&, void*) { throw std::runtime_error("against the contract"); }, nullptr);
  EXPECT_THROW(terminate(TerminationPolicy::service(seconds(1))), std::runtime_error);
  set_log_sink(nullptr, nullptr);
  Lock lock(children_[0]);
  children_[0].changes().notify(lock);
  EXPECT_TRUE(terminate_child(children_[0], lock, TerminationPolicy::immediate()).has_value());
}

TEST_F(TerminateChildrenTest, ReadingFromBeforeALeadersEndIsNotUsedForIt) {
  sys_.pidfd_group_signals = false;
  sys_.exit(add("first"), ExitStatus::exited(0));
  FakeProcess& second = add("second");
  FakeProcess* late = nullptr;
  // While the reading for the first goes on, the second starts a worker and ends.
  sys_.before_visit[1] = [&] {
    late = &add_member(second, "late");
    late->dies_of(SIGKILL);
    sys_.exit(second, ExitStatus::exited(0));
  };
  terminate(TerminationPolicy::service(seconds(1)));
  ASSERT_NE(late, nullptr);
  EXPECT_FALSE(late->alive());
}

// The other child's reading, of the same round, is from before the signal.
TEST_F(TerminateChildrenTest, ReadingFromBeforeSigkillIsNotUsedAfterIt) {
  sys_.pidfd_group_signals = false;
  FakeProcess& slow = add("slow");
  FakeProcess& first = add("first");
  sys_.exit(first, ExitStatus::exited(0));
  FakeProcess& worker = add_member(first, "worker");
  sys_.at(ms(95), [&] {
    sys_.exit(slow, ExitStatus::exited(0));
    sys_.time_of_reading_one = ms(5);  // the phase is over when it has been made
  });
  TerminationPolicy policy = TerminationPolicy::service(ms(100));
  policy.kill_timeout = absl::ZeroDuration();
  const std::vector<TerminationResult> results = terminate(policy);
  EXPECT_FALSE(worker.alive());
  for (const TerminationResult& result : results) EXPECT_TRUE(result.has_value()) << result.error();
}

TEST_F(TerminateChildrenTest, SurvivorsOfEachGroupAreEndedToo) {
  std::vector<FakeProcess*> workers;
  for (int i = 0; i < 20; ++i) {
    FakeProcess& leader = add(absl::StrCat("child", i)).dies_of(SIGTERM);
    workers.push_back(&add_member(leader, "worker").dies_of(SIGTERM, ms(10 * i)));
  }
  const std::vector<TerminationResult> ended = terminate(TerminationPolicy::service(seconds(5)));
  for (const TerminationResult& one : ended) {
    ASSERT_TRUE(one.has_value());
    EXPECT_FALSE(one.value().forced);
  }
  for (const FakeProcess* worker : workers) EXPECT_FALSE(worker->alive());
  EXPECT_EQ(sys_.elapsed(), ms(190));
}

TEST_F(TerminateChildrenTest, TheEndOfASurvivorThatLeavesItsGroupIsNotWaitedFor) {
  FakeProcess& worker = add_member(add("child").dies_of(SIGTERM), "worker");
  sys_.at(ms(300), [&] { worker.group = worker.pid; });
  EXPECT_TRUE(terminate(TerminationPolicy::service(seconds(8)))[0].has_value());
  EXPECT_TRUE(worker.alive());
  EXPECT_LE(sys_.elapsed(), ms(500));
}

TEST_F(TerminateChildrenTest, SurvivorsWithoutPidfdsAreLookedAtAgainAfterAPause) {
  FakeProcess& leader = add("child").dies_of(SIGTERM);
  add_member(leader, "worker").dies_of(SIGTERM, ms(110));
  add("obedient").dies_of(SIGTERM, ms(300));
  sys_.pidfd_open_error = EMFILE;
  const std::vector<TerminationResult> ended = terminate(TerminationPolicy::service(seconds(5)));
  EXPECT_TRUE(ended[0].has_value());
  EXPECT_EQ(sys_.elapsed(), ms(300));
  EXPECT_LE(scans(), 10u);
}

TEST_F(TerminateChildrenTest, SurvivorsAreWaitedForThoughNoEventCanBeHad) {
  FakeProcess& leader = add("child").dies_of(SIGTERM);
  add_member(leader, "worker").dies_of(SIGTERM, ms(110));
  add("obedient").dies_of(SIGTERM, ms(35));
  sys_.make_event_error = EMFILE;
  terminate(TerminationPolicy::service(seconds(5)));
  EXPECT_EQ(sys_.elapsed(), ms(110));
}

// TearDown() sees the signal of an event.
TEST_F(TerminateChildrenTest, TheReaperOfAChildWithoutAPidfdSignalsNoEvent) {
  add_member(add("child").dies_of(SIGTERM), "worker").dies_of(SIGTERM, ms(110));
  add_without_pidfd("late").dies_of(SIGTERM, ms(35));
  for (const TerminationResult& one : terminate(TerminationPolicy::service(seconds(5)))) {
    EXPECT_TRUE(one.has_value());
  }
  EXPECT_GT(sys_.count(FakeSys::Call::kMakeEvent), 0u);
  EXPECT_EQ(sys_.elapsed(), ms(110));
}

TEST_F(TerminateChildrenTest, OneThatIsThereTwiceIsEndedOnceAndReportedTwice) {
  add("child").dies_of(SIGTERM, ms(5));
  const std::vector<TerminationResult> ended =
      terminate_children({&children_[0], &children_[0]}, TerminationPolicy::service(seconds(1)));
  ASSERT_THAT(ended, SizeIs(2));
  EXPECT_EQ(lines_of(ended[0].value().attempts), lines_of(ended[1].value().attempts));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGTERM", "pidfd_kill_group SIGCONT"));
}

TEST_F(TerminateChildrenTest, AnotherCallerJoinsTheRunOfOneOfThem) {
  add("child");
  add("other").dies_of(SIGTERM, ms(900));
  sys_.at(ms(100), [this] {
    Lock lock(children_[0]);
    EXPECT_TRUE(terminate_child(children_[0], lock, TerminationPolicy::immediate()).has_value());
  });
  const std::vector<TerminationResult> ended = terminate(TerminationPolicy::service(absl::InfiniteDuration()));
  EXPECT_TRUE(ended[0].value().forced);
  EXPECT_FALSE(ended[1].value().forced);
  EXPECT_EQ(sys_.elapsed(), ms(900));
}

TEST_F(TerminateChildrenTest, ThoseThatHadEndedAreSentNothing) {
  sys_.exit(add("ended"), ExitStatus::exited(4));
  add("running").dies_of(SIGTERM);
  const std::vector<TerminationResult> ended = terminate(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(ended[0].value().status, ExitStatus::exited(4));
  EXPECT_EQ(ended[0].value().ended_by, AttemptPhase::kPreflight);
  EXPECT_THAT(sys_.signals(), SizeIs(2));
}

}  // namespace
}  // namespace warden::internal
