// The escalation, and processes that move out of the group, come back, or belong to other users.
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::ElementsAre;

class EscalationStrayTest : public SimulatedChild {
 protected:
  // The leader dies of SIGTERM. A dead member keeps the group, so that a process can come back into it.
  void begin_with_corpse() {
    begin();
    sys_.leader().dies_of(SIGTERM);
    sys_.init_delay = absl::Hours(1);
    corpse_ = &sys_.add_member("corpse");
    sys_.exit(*corpse_, ExitStatus::exited(0));
  }
  void move(FakeProcess& process, absl::Duration at, int group) {
    sys_.at(at, [&process, group] { process.group = group; });
  }

  FakeProcess* corpse_ = nullptr;
};

// It is outside at one look, 20 ms after the first, and back at the next.
TEST_F(EscalationStrayTest, MemberThatIsOutsideForOneLookIsNotTakenForGone) {
  begin_with_corpse();
  FakeProcess& mover = sys_.add_member("mover");
  move(mover, ms(10), mover.pid);
  move(mover, ms(30), FakeSys::kLeaderPid);
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(mover.alive());
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{mover.pid, "mover"}));
}

// Outside when /proc is read, and back when the library looks for it.
TEST_F(EscalationStrayTest, MemberThatComesBackDuringTheLookIsFound) {
  begin_with_corpse();
  FakeProcess& mover = sys_.add_member("mover");
  sys_.recycle(5000, 5000);
  sys_.at(ms(10), [&] {
    mover.group = mover.pid;
    sys_.before_visit[5000] = [&] { mover.group = FakeSys::kLeaderPid; };
  });
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(mover.alive());
}

// Outside when it is visited. Then it comes back, forks behind the reading and ends.
TEST_F(EscalationStrayTest, ChildOfAMemberThatComesBackAndEndsDuringTheLookIsFound) {
  begin_with_corpse();
  FakeProcess& mover = sys_.add_member("mover");
  FakeProcess* child = nullptr;
  sys_.at(ms(10), [&] {
    mover.group = mover.pid;
    sys_.before_visit[mover.pid] = [&] {
      sys_.before_read = [&, reads = 0](int pid) mutable {
        if (pid != mover.pid || ++reads != 2) return;  // the first is of the visit
        mover.state = FakeProcess::State::kGone;
        child = &sys_.add_member("child");
      };
    };
  });
  report_of(TerminationPolicy::service(seconds(1)));
  ASSERT_NE(child, nullptr);
  EXPECT_FALSE(child->alive());
}

// The second reading cannot read all, so that it says nothing of those whom it does not show.
TEST_F(EscalationStrayTest, ReadingThatIsNotWholeForgetsNoMember) {
  begin_with_corpse();
  FakeProcess& sitter = sys_.add_member("sitter");
  FakeProcess& mover = sys_.add_member("mover");
  FakeProcess& leaver = sys_.add_member("leaver");
  sys_.at(ms(10), [&] {
    mover.group = mover.pid;
    leaver.state = FakeProcess::State::kGone;
    sys_.before_visit[mover.pid] = [&] {
      sys_.fail_next(FakeSys::Call::kReadProc, EACCES);
      sitter.state = FakeProcess::State::kGone;
    };
  });
  move(mover, ms(50), FakeSys::kLeaderPid);
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(mover.alive());
}

TEST_F(EscalationStrayTest, MemberThatHasLeftForGoodIsNotWaitedFor) {
  begin_with_corpse();
  FakeProcess& leaver = sys_.add_member("leaver");
  move(leaver, ms(10), leaver.pid);
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(10)));
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{leaver.pid, "leaver"}));
  EXPECT_FALSE(report.forced);
  EXPECT_TRUE(leaver.alive());
  EXPECT_LE(sys_.elapsed(), ms(60));
}

// /proc hides a process of another user, and shows a corpse of ours that is collected before the look is over. The
// kernel says EPERM then.
TEST_F(EscalationStrayTest, CorpseOfOurOwnDoesNotStandForAProcessOfAnotherUser) {
  begin_with_corpse();
  FakeProcess& hidden = sys_.add_member("hidden");
  hidden.hidden = true;
  hidden.denies_signals = true;
  sys_.recycle(5000, 5000);
  sys_.before_visit[5000] = [&] { corpse_->state = FakeProcess::State::kGone; };
  EXPECT_EQ(error_of(TerminationPolicy::service(ms(100))).code, Errc::kGroupUnknown);
}

// A corpse of that other user explains it.
TEST_F(EscalationStrayTest, CorpseOfAnotherUserIsNobodyWhoLives) {
  begin_with_corpse();
  corpse_->denies_signals = true;
  EXPECT_FALSE(report_of(TerminationPolicy::service(seconds(1))).forced);
}

}  // namespace
}  // namespace warden::internal
