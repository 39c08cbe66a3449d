#include "lib/os/process_table.h"

#include <errno.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/fake/fake_sys.h"

namespace warden::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kTail[] =
    " 1 4242 4242 0 -1 4194560 95 0 0 0 0 0 0 0 20 0 3 0 987654321 2875392 240 "
    "18446744073709551615 1 1 0 0 0 0 0 0 65536 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

std::optional<ProcessStat> parse(const std::string& name, const std::string& state = "S") {
  return parse_stat("4243 (" + name + ") " + state + kTail);
}

TEST(ParseStatTest, FieldsAreThoseOfProcStat) {
  const auto stat = parse("postgres");
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->program, "postgres");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 1);
  EXPECT_EQ(stat->group, 4242);
  EXPECT_EQ(stat->thread_count, 3);
  EXPECT_EQ(stat->start_time, 987654321u);
}

TEST(ParseStatTest, NameMayHoldAnything) {
  for (const char* name :
       {"", " ", "a b", "(", ")", "()", ") Z 1 1 1", "a\nb", ") (", "((x) S 1)", "\xff\xfe", "4243 (x) S"}) {
    const auto stat = parse(name);
    ASSERT_TRUE(stat.has_value()) << name;
    EXPECT_EQ(stat->program, name);
    EXPECT_EQ(stat->state, 'S') << name;
    EXPECT_EQ(stat->group, 4242) << name;
    EXPECT_EQ(stat->start_time, 987654321u) << name;
  }
}

TEST(ParseStatTest, TextThatIsNotAStatLineIsRefused) {
  for (const char* text : {"", "(", ")", ")(", "12", "12 (x", "12 (x)", "12 (x) S", "12 (x) S 1 2",
                           "12 (x) SS 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
                           "12 (x) S 1 z 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
                           "12 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 z 18 19 20",
                           "12 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -1 20"}) {
    EXPECT_FALSE(parse_stat(text).has_value()) << text;
  }
}

TEST(ParseStatTest, EveryPrefixOfALineIsRefusedOrRead) {
  const std::string line = "4243 (a) b) S" + std::string(kTail);
  for (std::size_t size = 0; size <= line.size(); ++size) {
    const auto stat = parse_stat(std::string_view(line).substr(0, size));
    if (stat.has_value()) {
      ASSERT_EQ(stat->group, 4242);
    }
  }
}

TEST(ParseStatTest, DeadIsAZombieWithoutAnotherThread) {
  ProcessStat stat;
  for (const char state : {'Z', 'X'}) {
    stat.state = state;
    for (const int threads : {0, 1}) {
      stat.thread_count = threads;
      EXPECT_TRUE(stat.is_dead()) << state << threads;
    }
    stat.thread_count = 2;  // the main thread has called pthread_exit
    EXPECT_FALSE(stat.is_dead()) << state;
  }
  for (const char state : {'R', 'S', 'D', 'T', 't', 'I'}) {
    stat.state = state;
    for (const int threads : {0, 1, 2}) {
      stat.thread_count = threads;
      EXPECT_FALSE(stat.is_dead()) << state << threads;
    }
  }
}

class ScanGroupTest : public ::testing::Test {
 protected:
  std::vector<int> live() {
    std::vector<int> pids;
    for (const Member& member : ProcessTable(sys_).group(FakeSys::kLeaderPid).live) pids.push_back(member.pid);
    return pids;
  }
  FakeSys sys_;
};

TEST_F(ScanGroupTest, FindsTheLiveOfTheGroupAndNobodyElse) {
  FakeProcess& worker = sys_.add_member("worker");
  sys_.add_member("elsewhere").group = 900;
  sys_.init_delay = absl::Hours(1);
  sys_.exit(sys_.add_member("zombie"), ExitStatus::exited(0));
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  EXPECT_TRUE(scan.known);
  ASSERT_EQ(scan.live.size(), 2u);
  EXPECT_EQ(scan.live[0].pid, FakeSys::kLeaderPid);
  EXPECT_EQ(scan.live[1].pid, worker.pid);
  EXPECT_EQ(scan.live[1].program, "worker");
  EXPECT_EQ(scan.live[1].start_time, worker.start_time);
}

TEST_F(ScanGroupTest, ProcessThatGoesBetweenListAndReadIsNotThereAndNotUnknown) {
  for (const int error : {ENOENT, ESRCH}) {
    sys_.before_visit[FakeSys::kLeaderPid] = [&] { sys_.fail_next(FakeSys::Call::kReadProc, error); };
    const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
    EXPECT_TRUE(scan.known) << error;
    EXPECT_THAT(scan.live, IsEmpty());
  }
}

TEST_F(ScanGroupTest, ProcessThatCannotBeReadMakesTheScanUnknown) {
  for (const int error : {EACCES, EMFILE, EIO}) {
    sys_.fail_next(FakeSys::Call::kReadProc, error);
    EXPECT_FALSE(ProcessTable(sys_).group(FakeSys::kLeaderPid).known) << error;
  }
}

TEST_F(ScanGroupTest, ProcThatCannotBeListedIsUnknown) {
  sys_.proc_visible = false;
  EXPECT_FALSE(ProcessTable(sys_).group(FakeSys::kLeaderPid).known);
}

// The group's only member forks and exits between its listing and its reading, that many times.
class ForkingGroupTest : public ScanGroupTest {
 protected:
  enum class End { kGone, kZombie, kBeingReleased };

  void fork_when_listed(End end, int times) {
    sys_.exit(sys_.leader(), ExitStatus::exited(0));
    sys_.init_delay = absl::Hours(1);
    end_ = end;
    times_ = times;
    member_ = &sys_.add_member("chain");
    sys_.before_visit[member_->pid] = [this] { fork_and_end(); };
  }

  FakeProcess* member_ = nullptr;

 private:
  void fork_and_end() {
    FakeProcess& parent = *member_;
    member_ = &sys_.add_member("chain");
    if (end_ == End::kBeingReleased) parent.group = -1;
    if (end_ != End::kBeingReleased) sys_.exit(parent, ExitStatus::exited(0));
    if (end_ == End::kGone) parent.state = FakeProcess::State::kGone;
    if (--times_ > 0) sys_.before_visit[member_->pid] = [this] { fork_and_end(); };
  }

  End end_ = End::kGone;
  int times_ = 0;
};

TEST_F(ForkingGroupTest, IsFoundInOneReading) {
  for (const int times : {1, 2, 10, 500}) {
    for (const End end : {End::kGone, End::kZombie, End::kBeingReleased}) {
      SCOPED_TRACE(times);
      fork_when_listed(end, times);
      sys_.forget_calls();
      const std::vector<int> seen = live();
      EXPECT_THAT(seen, ElementsAre(member_->pid));
      EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 1u);
      sys_.exit(*member_, ExitStatus::exited(0));
    }
  }
}

TEST_F(ForkingGroupTest, IsUnknownAndNotEmptyWhereTheReadingDoesNotCatchUp) {
  fork_when_listed(End::kGone, 1'000'000);
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  EXPECT_THAT(scan.live, IsEmpty());
  EXPECT_FALSE(scan.known);
}

// The numbers have started again before: the parent has an old, high one, and its child a new, low one, which the
// reading has passed.
TEST_F(ScanGroupTest, ProcessWithALowerNumberThanItsParentsIsFound) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  FakeProcess& parent = sys_.recycle(9000, FakeSys::kLeaderPid);
  sys_.before_visit[FakeSys::kLeaderPid] = [&] {
    sys_.recycle(950, FakeSys::kLeaderPid);
    parent.state = FakeProcess::State::kGone;
  };
  EXPECT_FALSE(live().empty());
}

// The number of an old process that was visited, and has ended, is given to the child of a parent that ends.
TEST_F(ScanGroupTest, ProcessWithANumberThatAnotherHadAtItsVisitIsFound) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  FakeProcess& old = sys_.recycle(9000, 8999);
  FakeProcess& parent = sys_.recycle(950, FakeSys::kLeaderPid);
  sys_.before_visit[parent.pid] = [&] {
    old.state = FakeProcess::State::kGone;
    sys_.recycle(old.pid, FakeSys::kLeaderPid);
    parent.state = FakeProcess::State::kGone;
    sys_.newest_pid_shift += old.pid - sys_.pid_cursor(PidCursorOrder::kNewestFirst)->newest;
  };
  EXPECT_THAT(live(), ElementsAre(old.pid));
}

// The numbers start again while an old parent forks: its child has a high number, and is not in the list yet. Then it
// is shown, and the parent ends before it is visited. The child forks behind the reading, and ends before it is
// visited.
TEST_F(ScanGroupTest, ProcessThatGotItsNumberBeforeTheReadingAndIsShownDuringItIsFound) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  FakeProcess& parent = sys_.recycle(9000, FakeSys::kLeaderPid);
  FakeProcess& child = sys_.recycle(9001, FakeSys::kLeaderPid);
  child.hidden = true;
  sys_.before_visit[parent.pid] = [&] {
    child.hidden = false;
    parent.state = FakeProcess::State::kGone;
    sys_.recycle(2000, 2000);
  };
  sys_.before_visit[2000] = [&] {
    sys_.recycle(1999, FakeSys::kLeaderPid);
    child.state = FakeProcess::State::kGone;
  };
  EXPECT_THAT(live(), ElementsAre(1999));
}

TEST_F(ScanGroupTest, OldProcessIsOneMember) {
  FakeProcess& old = sys_.recycle(9000, FakeSys::kLeaderPid);
  EXPECT_THAT(live(), ElementsAre(FakeSys::kLeaderPid, old.pid));
}

// Zombies whose parent does not reap them, and processes of other groups that end.
TEST_F(ScanGroupTest, CorpsesDoNotKeepAGroupFromBeingEmpty) {
  sys_.init_delay = absl::Hours(1);
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  FakeProcess& zombie = sys_.add_member("zombie");
  sys_.exit(zombie, ExitStatus::exited(0));
  FakeProcess& other = sys_.add_member("elsewhere");
  other.group = 900;
  sys_.before_visit[other.pid] = [&] { other.state = FakeProcess::State::kGone; };
  ProcessTable table(sys_);
  const GroupScan scan = table.group(FakeSys::kLeaderPid);
  EXPECT_TRUE(scan.known);
  EXPECT_THAT(scan.live, IsEmpty());
  EXPECT_THAT(table.corpses_of(FakeSys::kLeaderPid), ElementsAre(FakeSys::kLeaderPid, zombie.pid));
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 1u);
}

TEST_F(ScanGroupTest, OneReadingServesEveryGroup) {
  const auto [other, pidfd] = sys_.add_leader("other");
  ProcessTable table(sys_);
  EXPECT_FALSE(table.was_read());
  EXPECT_EQ(table.group(FakeSys::kLeaderPid).live.size(), 1u);
  EXPECT_EQ(table.group(other.pid).live.size(), 1u);
  EXPECT_THAT(table.group(4711).live, IsEmpty());
  EXPECT_TRUE(table.was_read());
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 1u);
}

TEST_F(ScanGroupTest, RenewedTableReadsAgainAndForgetsWhatItSaw) {
  FakeProcess& worker = sys_.add_member("worker");
  ProcessTable table(sys_);
  EXPECT_EQ(table.group(FakeSys::kLeaderPid).live.size(), 2u);
  worker.state = FakeProcess::State::kGone;
  EXPECT_EQ(table.group(FakeSys::kLeaderPid).live.size(), 2u);
  table.renew();
  EXPECT_FALSE(table.was_read());
  EXPECT_EQ(table.group(FakeSys::kLeaderPid).live.size(), 1u);
}

TEST_F(ScanGroupTest, ReadingGivesUpAtItsDeadline) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.add_member("late");
  sys_.time_of_reading_one = absl::Milliseconds(10);
  ProcessTable table(sys_);
  table.renew(sys_.now() + std::chrono::milliseconds(25));
  const GroupScan scan = table.group(FakeSys::kLeaderPid);
  EXPECT_TRUE(scan.is_unsettled);
  EXPECT_THAT(scan.live, IsEmpty());
  EXPECT_EQ(sys_.elapsed(), absl::Milliseconds(30));
}

TEST_F(ScanGroupTest, BirthOfAStrangerCostsNoSecondReading) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.before_visit[FakeSys::kLeaderPid] = [&] { sys_.recycle(5000, 5000); };
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  EXPECT_TRUE(scan.known);
  EXPECT_THAT(scan.live, IsEmpty());
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 1u);
}

// A process that is born with a low number has been passed, and its parent with a high number may have ended before it
// is read.
TEST_F(ScanGroupTest, NumbersThatStartAgainDuringTheReadingMakeItUnsettled) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.before_visit[FakeSys::kLeaderPid] = [&] { sys_.newest_pid_shift = -500; };
  ProcessTable table(sys_);
  EXPECT_TRUE(table.group(FakeSys::kLeaderPid).is_unsettled);
  table.renew();
  EXPECT_TRUE(table.group(FakeSys::kLeaderPid).known);
}

// The newest number is higher than before, and yet all have been given meanwhile.
TEST_F(ScanGroupTest, WholeTurnOfTheNumbersDuringTheReadingMakesItUnsettled) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.before_visit[FakeSys::kLeaderPid] = [&] {
    sys_.newest_pid_shift = 1;
    sys_.more_forks = sys_.pid_turn;
  };
  ProcessTable table(sys_);
  EXPECT_TRUE(table.group(FakeSys::kLeaderPid).is_unsettled);
  table.renew();
  EXPECT_TRUE(table.group(FakeSys::kLeaderPid).known);
}

TEST_F(ScanGroupTest, ForksWhileTheNewestNumberIsReadCountAsForksDuringTheReading) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.pid_turn = 100;
  sys_.forks_within = 60;
  EXPECT_TRUE(ProcessTable(sys_).group(FakeSys::kLeaderPid).is_unsettled);
  sys_.forks_within = 40;
  EXPECT_TRUE(ProcessTable(sys_).group(FakeSys::kLeaderPid).known);
}

TEST_F(ScanGroupTest, WithoutTheNewestNumberFiveReadingsInARowHaveToFindNobody) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.has_pid_cursor = false;
  FakeProcess& member = sys_.add_member("member");
  ProcessTable table(sys_);
  const auto settles_after = [&] {
    for (int readings = 1;; ++readings) {
      table.renew();
      for (int questions = 0; questions < 10; ++questions) {
        if (!table.group(FakeSys::kLeaderPid).is_unsettled) return readings;
      }
    }
  };
  member.state = FakeProcess::State::kGone;
  EXPECT_EQ(settles_after(), 5);
  member.state = FakeProcess::State::kAlive;
  table.renew();
  EXPECT_EQ(table.group(FakeSys::kLeaderPid).live.size(), 1u);
  member.state = FakeProcess::State::kGone;
  EXPECT_EQ(settles_after(), 5);
}

TEST_F(ScanGroupTest, ProcessThatCannotBeReadAfterOthersMakesTheScanUnknown) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  FakeProcess& other = sys_.add_member("elsewhere");
  other.group = 900;
  sys_.before_visit[other.pid] = [&] { sys_.fail_always(FakeSys::Call::kReadProc, EACCES); };
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  EXPECT_FALSE(scan.known);
  EXPECT_FALSE(scan.is_unsettled);
}

TEST_F(ScanGroupTest, MemberIsStillAMemberUntilItEndsLeavesOrIsReplaced) {
  FakeProcess& worker = sys_.add_member("worker");
  const Member member{worker.pid, "worker", worker.start_time};
  const auto still = [&] { return is_still_member(sys_, member, FakeSys::kLeaderPid); };
  EXPECT_EQ(still(), true);
  sys_.fail_next(FakeSys::Call::kReadProc, EMFILE);
  EXPECT_EQ(still(), std::nullopt);
  worker.group = worker.pid;
  EXPECT_EQ(still(), false);
  worker.group = FakeSys::kLeaderPid;
  ++worker.start_time;
  EXPECT_EQ(still(), false);
  --worker.start_time;
  sys_.exit(worker, ExitStatus::exited(0));
  EXPECT_EQ(still(), false);
}

}  // namespace
}  // namespace warden::internal
