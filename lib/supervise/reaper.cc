#include "lib/supervise/reaper.h"

#include <errno.h>

#include <algorithm>

#include "lib/os/child_pidfd.h"
#include "lib/os/deadline.h"
#include "lib/os/private_table.h"
#include "lib/os/thread.h"
#include "lib/supervise/spawn_streak.h"

namespace warden::internal {
namespace {

// The pause between looks at a dead child that a tracer holds: nothing tells when the tracer lets it go.
constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(250);

// How long the reaper leaves a new child to the thread that started it, which may wait for it at once. A thread that
// starts many in a row does not, so that their reapers have no grace.
constexpr absl::Duration kGrace = absl::Milliseconds(10);

// How long finish() waits for a reaper that has nothing more to do.
constexpr absl::Duration kLongestFinish = absl::Seconds(1);

// A private descriptor table, and a pidfd in it, for a child that got none because the shared table was full. -1 where
// that fails, too. The pidfd goes with the table: a close by number looks to ThreadSanitizer, which knows of one table
// only, like a close of another thread's descriptor.
int open_private_pidfd(Supervised& supervised) {
  Sys& sys = supervised.sys();
  const int shared = sys.pidfd_open(supervised.pid());
  if (shared >= 0) sys.close_fd(shared);
  if (shared < 0 && shared != -EMFILE) return -1;  // no table helps
  return leave_shared_table() ? open_child_pidfd(sys, supervised.pid()) : -1;
}

void wait_by_pidfd(Supervised& supervised, Lock& lock, ChildId child) {
  absl::Duration pause = kFirstPause;
  while (!supervised.leader().ended(lock) && !supervised.leader().process().has_lost_pidfd()) {
    if (supervised.leader().is_waited_for_by_pidfd(lock)) {
      supervised.changes().wait(lock, TimePoint::max());
      continue;
    }
    {
      const Leader::ReaperWaits waits(supervised.leader(), lock, Leader::ReaperWaits::By::kPidfd);
      supervised.sys().poll_readable(&child.pidfd, 1, TimePoint::max());
    }
    if (supervised.leader().look(lock, child)) return;
    // Readable, but not to be waited for: a tracer holds it. A blocking wait could outlive the child's number, so look
    // again from time to time.
    supervised.changes().wait(lock, deadline_after(supervised.sys().now(), pause));
    pause = std::min(pause * 2, kLongestPause);
  }
}

void wait_by_number(Supervised& supervised, Lock& lock) {
  absl::Duration pause = kFirstPause;
  while (!supervised.leader().ended(lock)) {  // once it has, the number may be another child's of the host
    {
      const Leader::ReaperWaits waits(supervised.leader(), lock, Leader::ReaperWaits::By::kNumber);
      supervised.sys().block_until_waitable(supervised.pid());
    }
    if (supervised.leader().look(lock)) return;
    supervised.changes().wait(lock, deadline_after(supervised.sys().now(), pause));
    pause = std::min(pause * 2, kLongestPause);
  }
}

// Until the keeper has ended. The leader's end may come long before.
void wait_for_keeper(Supervised& supervised, Lock& lock, Tree& tree) {
  Leader& leader = supervised.leader();
  absl::Duration pause = kFirstPause;
  while (!supervised.is_over(lock)) {
    if (!leader.ended(lock) && leader.is_waited_for_by_pidfd(lock)) {
      supervised.changes().wait(lock, TimePoint::max());
      continue;
    }
    const WaitFds fds = tree.news(lock);
    if (fds.count > 0) {
      const TimePoint until = tree.next_look(lock, TimePoint::max());
      const Leader::ReaperWaits waits(leader, lock, Leader::ReaperWaits::By::kPidfd);
      supervised.sys().poll_readable(fds.fds, fds.count, until);
    }
    const bool has_news = tree.update(lock);
    const bool has_ended = !leader.ended(lock) && leader.look(lock);
    if (has_news || has_ended) {
      pause = kFirstPause;
      continue;
    }
    // Nothing tells of it: the host has closed the descriptors, or a tracer holds who has ended.
    supervised.changes().wait(lock, deadline_after(supervised.sys().now(), pause));
    pause = std::min(pause * 2, kLongestPause);
  }
}

void reap(Supervised& supervised, bool has_grace) {
  Lock lock(supervised);
  if (has_grace) supervised.changes().wait_in_grace(lock, deadline_after(supervised.sys().now(), kGrace));
  if (!supervised.leader().wait_until_begun(lock)) return;
  if (Tree* const tree = supervised.tree()) return wait_for_keeper(supervised, lock, *tree);
  ChildId child = supervised.leader().process().given();
  if (child.pidfd < 0) {
    // It closes copies of files, which may take time (NFS).
    const Leader::ReaperWaits waits(supervised.leader(), lock, Leader::ReaperWaits::By::kPidfd);
    child.pidfd = open_private_pidfd(supervised);
  }
  if (child.pidfd >= 0) wait_by_pidfd(supervised, lock, child);
  wait_by_number(supervised, lock);  // without a pidfd, or where the host has closed it meanwhile
  supervised.leader().collect_unpinned(lock);
}

void tell_end(Supervised& supervised) {
  {
    const Lock lock(supervised);
    supervised.reaper_state().is_done = true;
  }
  supervised.changes().wake_sleepers();
}

// Takes what it is given out of the child's state, where no other thread reads it any more.
extern "C" void* reaper_main(void* argument) {
  ReaperState& state = static_cast<Supervised*>(argument)->reaper_state();
  const std::shared_ptr<Supervised> supervised = std::move(state.supervised);
  if (state.task) state.task();
  state.task = nullptr;  // what it refers to is its creator's
  reap(*supervised, state.has_grace);
  tell_end(*supervised);
  return nullptr;
}

}  // namespace

int Reaper::start(std::shared_ptr<Supervised> supervised, ReaperTask task) {
  const bool is_one_of_many = continue_spawn_streak();
  {
    const Lock lock(*supervised);  // the one whose place this takes may be about to end
    supervised->reaper_state() = {supervised, std::move(task), !is_one_of_many, false};
  }
  const int error = start_thread(&thread_, reaper_main, supervised.get(), ThreadStack::kReaper);
  if (error != 0) {
    const Lock lock(*supervised);
    supervised->reaper_state() = {};
    return error;
  }
  supervised_ = std::move(supervised);
  return 0;
}

void Reaper::finish() {
  if (supervised_ == nullptr) return;
  end_spawn_streak();
  const Prospect seen = prospect();
  if (seen == Prospect::kEnds) {
    pthread_join(thread_, nullptr);
  } else {
    pthread_detach(thread_);
  }
  // Where no thread can be had, the zombie stays.
  if (seen == Prospect::kIsLost && start(supervised_, {}) == 0) pthread_detach(thread_);
  supervised_ = nullptr;
}

Reaper::Prospect Reaper::prospect() {
  Changes& changes = supervised_->changes();
  Leader& leader = supervised_->leader();
  Lock lock(*supervised_);
  changes.end_grace(lock);
  changes.wake_from_grace();
  if (leader.stage(lock) != Leader::Stage::kAbandoned && leader.may_have_lost_reaper(lock)) return Prospect::kIsLost;
  const bool is_abandoned = leader.stage(lock) == Leader::Stage::kAbandoned;
  if (!supervised_->is_ending(lock) && !is_abandoned) return Prospect::kGoesOn;
  // Once it gets the lock it sees that it has nothing more to do.
  if (!leader.reaper_waits(lock) && (is_abandoned || supervised_->is_over(lock))) return Prospect::kEnds;
  const bool& is_done = supervised_->reaper_state().is_done;
  // Where the host has closed the pidfd it need not wake.
  const absl::Duration longest = leader.has_lost_news() ? absl::ZeroDuration() : kLongestFinish;
  const TimePoint deadline = deadline_after(supervised_->sys().now(), longest);
  while (!is_done && supervised_->sys().now() < deadline) changes.wait(lock, deadline);
  return is_done ? Prospect::kEnds : Prospect::kGoesOn;
}

void Reaper::forget() {
  // The reference is leaked: even the last one may not go, since the lock may have been held at the fork.
  new std::shared_ptr<Supervised>(std::move(supervised_));
}

Reaper::~Reaper() { finish(); }

}  // namespace warden::internal
