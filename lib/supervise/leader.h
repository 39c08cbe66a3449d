// The child's own process, the leader of its group if it has one: its number, its end, its status, and its reaping.
#ifndef WARDEN_LIB_SUPERVISE_LEADER_H_
#define WARDEN_LIB_SUPERVISE_LEADER_H_

#include <optional>

#include "lib/os/held_child.h"
#include "lib/os/sys.h"
#include "lib/supervise/changes.h"
#include "lib/supervise/status_source.h"
#include "warden/exit_status.h"

namespace warden::internal {

// Thread-safe: a method with a Lock needs the child's lock.
//
// The exit is published once and never changes. The zombie is reaped under the lock that every signal takes, so that no
// signal can reach a number that has become somebody else's. Where the kernel can signal a group through a pidfd
// (Linux 6.9) the first thread that sees the exit reaps. Where it cannot, the zombie of a group's leader stays, and
// with it the group's number, until unpin().
class Leader {
 public:
  enum class Stage {
    kStarting,   // there is no process yet
    kAbandoned,  // there never will be
    kRunning,
    kPinned,  // dead, its zombie kept
    kReaped,
    kLost,  // dead, and somebody else has taken the zombie
  };

  Leader(Sys& sys, Changes& changes) : sys_(sys), changes_(changes) {}
  ~Leader() { close_copy(); }

  // The process exists: takes the pidfd over. `leads_group`: a group needs its number.
  void begin(const Lock& lock, ChildId id, bool leads_group);
  // The same of a process that is not a child of ours: `source`, which outlives this, tells of its end, and collects
  // it.
  void begin(const Lock& lock, ChildId id, StatusSource& source);
  // There will be no process.
  void abandon(const Lock& lock);
  // Waits until begin() or abandon(); whether it was begin(). Releases the lock meanwhile.
  bool wait_until_begun(Lock& lock);

  const HeldChild& process() const { return process_; }  // set before the first handle exists
  Stage stage(const Lock& lock) const;
  bool ended(const Lock& lock) const { return stage(lock) > Stage::kRunning; }
  // REQUIRES: ended().
  const ExitStatus& status(const Lock& lock) const;
  // Why the last look could not tell; 0 if it could.
  int look_error(const Lock& lock) const;

  // Looks once, publishes an exit that it sees, and says whether the process has ended. May release the lock for up to
  // 1 s, where somebody else has taken the zombie and the kernel is about to hand over the status. `by`: the process by
  // another pidfd.
  bool look(Lock& lock) { return look(lock, process_.given()); }
  bool look(Lock& lock, ChildId by);
  // Waits until the pidfd can be read, until the deadline at most, and looks then. Releases the lock meanwhile. A
  // reaper that comes to its own wait meanwhile leaves it to this thread, so that the exit wakes one thread.
  bool look_when_readable(Lock& lock, TimePoint deadline);
  // Waits for a change, until the deadline at most. Where the host has closed the pidfd the reaper may wait for another
  // file now: then this comes early, and looks itself.
  void wait_changed(Lock& lock, TimePoint deadline);
  // After a look that has not shown the end although there was something to be read: as wait_changed(), since the
  // reaper goes on looking; by the descriptors, too, where the news come from somebody else.
  void wait_for_news(Lock& lock, TimePoint deadline) {
    source_ == nullptr ? wait_changed(lock, deadline) : wait_exit_or_changed(lock, deadline);
  }
  // Until when a wait for a change may go on before it asks again whether the pidfd is still ours.
  TimePoint next_question(TimePoint deadline) const;
  // As wait_changed(), by the pidfd, too: the exit need not come by way of the reaper. May come early.
  void wait_exit_or_changed(Lock& lock, TimePoint deadline);

  // Of a reaper that waits without the lock. While one waits by number nobody else may collect the zombie: the number
  // could be given to another child of the host before the reaper wakes.
  class ReaperWaits {
   public:
    enum class By { kPidfd, kNumber };
    // Unlocks, and locks at its end.
    ReaperWaits(Leader& leader, Lock& lock, By by);
    ~ReaperWaits();
    ReaperWaits(const ReaperWaits&) = delete;
    ReaperWaits& operator=(const ReaperWaits&) = delete;

   private:
    Lock& lock_;
    int& waiting_;
  };
  bool reaper_waits(const Lock&) const { return reapers_by_pidfd_ + reapers_by_number_ > 0; }
  bool is_waited_for_by_pidfd(const Lock& lock) const;
  // Whether the host has closed what the news of the end come by.
  bool has_lost_news() const;
  // Whether the process runs, as a look says, and the reaper may never see its end: it may wait for a file of the host
  // that has the number of the pidfd now.
  bool may_have_lost_reaper(Lock& lock);

  // Sends to the process alone: 0 or an errno. A process that has ended takes no signal, which is a success.
  int send(const Lock& lock, int signal);
  // Whether a group can be signalled through the pidfd, just now.
  bool has_group_signals() const;
  // Whether the process or its zombie keeps the number from being given to others.
  bool has_number(const Lock& lock);

  // The pin is not needed any more: collects the zombie, now or as soon as it is there.
  void unpin(const Lock& lock);
  // Collects a zombie that was left although nothing needs it any more (because the reaper waited by number).
  void collect_unpinned(const Lock& lock);
  // Collects the zombie, whatever needs it. REQUIRES: it is pinned.
  void collect(const Lock& lock);

  // In a forked copy: closes its copy of the pidfd. Takes no lock, which may have been held at the fork.
  void close_copy();

 private:
  class WaitsByPidfd;

  bool must_pin() const;
  Reap reap_of(const ChildId& by) const;
  bool look_at_source(Lock& lock);
  WaitFds news(const Lock& lock) const;
  bool recover_lost(Lock& lock, int pidfd);
  void publish(const Lock& lock, const ExitStatus& status, Stage stage);

  Sys& sys_;
  Changes& changes_;
  StatusSource* source_ = nullptr;  // null: the process is our child
  HeldChild process_;
  Stage stage_ = Stage::kStarting;
  std::optional<ExitStatus> status_;
  int look_error_ = 0;
  bool group_needs_number_ = false;
  bool unpinned_ = false;
  bool held_by_tracer_ = false;  // dead, and not to be waited for
  int reapers_by_pidfd_ = 0;
  int reapers_by_number_ = 0;
  int waiters_by_pidfd_ = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_LEADER_H_
