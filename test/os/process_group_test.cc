#include "lib/os/process_table.h"

#include <errno.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/fake/fake_sys.h"

namespace warden::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

class ScanGroupTest : public testing::Test {
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
    sys_.fail_next(FakeSys::Call::kReadProc, error);
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

// The group's only member forks and exits behind each listing, that many times.
class ForkingGroupTest : public ScanGroupTest {
 protected:
  enum class End { kGone, kZombie, kBeingReleased };

  void fork_behind_listings(End end, int times) {
    sys_.exit(sys_.leader(), ExitStatus::exited(0));
    sys_.init_delay = absl::Hours(1);
    end_ = end;
    times_ = times;
    member_ = &sys_.add_member("chain");
    sys_.during_next_listing = [this] { fork_and_end(); };
  }

  FakeProcess* member_ = nullptr;

 private:
  void fork_and_end() {
    FakeProcess& parent = *member_;
    member_ = &sys_.add_member("chain");
    if (end_ == End::kBeingReleased) parent.group = -1;
    if (end_ != End::kBeingReleased) sys_.exit(parent, ExitStatus::exited(0));
    if (end_ == End::kGone) parent.state = FakeProcess::State::kGone;
    if (--times_ > 0) sys_.during_next_listing = [this] { fork_and_end(); };
  }

  End end_ = End::kGone;
  int times_ = 0;
};

TEST_F(ForkingGroupTest, IsReadUntilAMemberIsSeen) {
  for (const int times : {1, 2, 10}) {
    for (const End end : {End::kGone, End::kZombie, End::kBeingReleased}) {
      SCOPED_TRACE(times);
      fork_behind_listings(end, times);
      const std::vector<int> seen = live();
      EXPECT_THAT(seen, ElementsAre(member_->pid));
      sys_.exit(*member_, ExitStatus::exited(0));
    }
  }
}

TEST_F(ForkingGroupTest, IsUnknownAndNotEmptyWhenNoMemberIsEverSeen) {
  for (const End end : {End::kGone, End::kZombie, End::kBeingReleased}) {
    fork_behind_listings(end, 1000);
    const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
    EXPECT_THAT(scan.live, IsEmpty());
    EXPECT_FALSE(scan.known);
    sys_.exit(*member_, ExitStatus::exited(0));
  }
}

// Zombies whose parent does not reap them, and processes of other groups that end.
TEST_F(ScanGroupTest, CorpsesDoNotKeepAGroupFromBeingEmpty) {
  sys_.init_delay = absl::Hours(1);
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.exit(sys_.add_member("zombie"), ExitStatus::exited(0));
  FakeProcess& other = sys_.add_member("elsewhere");
  other.group = 900;
  sys_.during_next_listing = [&] { other.state = FakeProcess::State::kGone; };
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  EXPECT_TRUE(scan.known);
  EXPECT_THAT(scan.live, IsEmpty());
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 2u);
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

// A member starts a process that the finished listing lacks, and ends before its own entry is read.
TEST_F(ScanGroupTest, ProcessThatIsBornDuringTheReadingIsFound) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  FakeProcess& parent = sys_.add_member("parent");
  sys_.during_next_listing = [&] {
    sys_.add_member("child");
    sys_.exit(parent, ExitStatus::exited(0));
  };
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  ASSERT_EQ(scan.live.size(), 1u);
  EXPECT_EQ(scan.live[0].program, "child");
}

TEST_F(ScanGroupTest, BirthOfAStrangerCostsNoSecondReading) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.during_next_listing = [&] { sys_.recycle(5000, 5000); };
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  EXPECT_TRUE(scan.known);
  EXPECT_THAT(scan.live, IsEmpty());
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 1u);
}

// A process that is born with a low number is not in the listing, and its parent with a high number may have ended
// before its entry is read.
TEST_F(ScanGroupTest, NumbersThatStartAgainDuringTheReadingCostAnother) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  sys_.during_next_listing = [&] {
    sys_.newest_pid_shift = -500;
    sys_.add_member("child");
  };
  const GroupScan scan = ProcessTable(sys_).group(FakeSys::kLeaderPid);
  ASSERT_EQ(scan.live.size(), 1u);
  EXPECT_EQ(scan.live[0].program, "child");
}

TEST_F(ScanGroupTest, ProcessThatCannotBeReadTheSecondTimeMakesTheScanUnknown) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  FakeProcess& other = sys_.add_member("elsewhere");
  other.group = 900;
  sys_.during_next_listing = [&] {
    sys_.exit(other, ExitStatus::exited(0));
    sys_.during_next_listing = [&] { sys_.fail_always(FakeSys::Call::kReadProc, EACCES); };
  };
  EXPECT_FALSE(ProcessTable(sys_).group(FakeSys::kLeaderPid).known);
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
