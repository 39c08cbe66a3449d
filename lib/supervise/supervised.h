// The state of one child that all its threads share: what is known of it, and every signal and reap, under one lock.
#ifndef WARDEN_LIB_SUPERVISE_SUPERVISED_H_
#define WARDEN_LIB_SUPERVISE_SUPERVISED_H_

#include <pthread.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/os/event.h"
#include "lib/os/process_table.h"
#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "lib/supervise/stdin_pipe.h"
#include "warden/attempt_log.h"
#include "warden/exit_status.h"

namespace warden::internal {

class Escalation;
class Supervised;

// Runs on the reaper before it begins to wait, with no lock held: the launch of a child that is to die with its parent.
using ReaperTask = std::function<void()>;

// What a reaper is given at its start.
struct ReaperStart {
  std::shared_ptr<Supervised> supervised;
  ReaperTask task;  // may be empty
  bool has_grace = false;
};

using Lock = std::unique_lock<std::mutex>;

// Whether anybody is left in the child's group.
enum class GroupState { kEmpty, kLive, kUnknown };

// Is told of every change of a child, under the child's lock.
class ChangeObserver {
 public:
  virtual void child_changed() = 0;

 protected:
  ~ChangeObserver() = default;
};

// Thread-safe: every method that takes a Lock needs it held on mutex(); `lock` is released while a method waits, if it
// says so.
//
// The exit is published once and never changes. The zombie is reaped under the lock that every signal takes, so that no
// signal can reach a number that has become somebody else's. Where the kernel can signal a group through a pidfd
// (Linux 6.9) the first who sees the exit reaps; where it cannot, the zombie of a group's leader stays, and with it the
// group's number, until release(). Where somebody else takes that zombie, a mark on the pidfd tells whether the group
// is still there (Linux 5.12), and its members are signalled one by one.
class Supervised {
 public:
  enum class Phase {
    kStarting,  // there is no child yet, or there never will be: see abandoned()
    kRunning,
    kPinned,  // dead, its zombie kept
    kReaped,
    kLost,  // dead, and somebody else has taken the zombie
  };

  Supervised(Sys& sys, std::string name) : sys_(sys), name_(std::move(name)) {}
  ~Supervised();
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

  std::mutex& mutex() { return mutex_; }
  Sys& sys() { return sys_; }
  const std::string& name() const { return name_; }
  int pid() const { return child_.pid; }  // set before the first handle exists
  const ChildId& child() const { return child_; }
  bool leads_group() const { return leads_group_; }

  // Between the reaper's creator and the reaper, which takes it out. It is here so that a reaper without a task neither
  // allocates nor frees: a thread's first call of either gives it a cache of its own.
  ReaperStart& reaper_start() { return reaper_start_; }

  // The child exists: takes the pidfd over. The supervision begins, once it is announced.
  void begin(const Lock& lock, ChildId child, bool leads_group);
  // There will be no child.
  void abandon(const Lock&) { abandoned_ = true; }
  // Wakes those who wait for either. Without the lock: they would have to wait for it at once.
  void announce() { changed_.notify_all(); }
  // The reaper's first wait, which no change ends but end_grace(), once it is announced as announce() does it.
  void wait_in_grace(Lock& lock, TimePoint deadline);
  void end_grace(const Lock&) { grace_is_over_ = true; }
  void announce_end_of_grace() { grace_over_.notify_all(); }
  bool abandoned(const Lock&) const { return abandoned_; }

  Phase phase(const Lock&) const { return phase_; }
  bool ended(const Lock&) const { return phase_ > Phase::kRunning; }
  // REQUIRES: ended().
  const ExitStatus& status(const Lock&) const { return *status_; }
  // Why the last look could not tell; 0 if it could.
  int look_error(const Lock&) const { return look_error_; }

  // Looks once, publishes an exit that it sees, and says whether the child has ended. May release the lock for up to 1
  // s, where somebody else has taken the zombie and the kernel is about to hand over the status. `by`: the child by
  // another pidfd.
  bool look(Lock& lock);
  bool look(Lock& lock, ChildId by);

  // The reaper waits by number: nobody else may collect the zombie meanwhile, since the number could then be given to
  // another child of the host before the reaper wakes.
  void set_reaper_waits_by_number(const Lock&, bool waits) { reaper_waits_by_number_ = waits; }

  // Waits until the pidfd can be read, at most so long, and looks then. A reaper that comes to its own wait meanwhile
  // leaves it to us, so that the exit wakes one thread. Releases the lock.
  bool look_when_readable(Lock& lock, TimePoint deadline);
  bool is_waited_for_by_pidfd(const Lock&) const { return waiters_by_pidfd_ > 0; }

  // Waits for a change, at most so long; may wake without one. Releases the lock.
  void wait_changed(Lock& lock, TimePoint deadline) {
    ++sleepers_;
    sys_.wait_until(changed_, lock, deadline);
    --sleepers_;
  }
  // The same, by the pidfd too: the exit need not come by way of the reaper.
  void wait_exit_or_changed(Lock& lock, TimePoint deadline);
  // The same, or until the descriptor can be read. False when it surely cannot.
  bool wait_readable_or_changed(Lock& lock, int fd, TimePoint deadline);
  void notify(const Lock& lock);
  // Happens with the next change: for those who wait for descriptors of their own.
  std::shared_ptr<Event> next_change(const Lock&) {
    if (event_ == nullptr) event_ = std::make_shared<Event>(sys_);
    return event_;
  }
  // A descriptor that nobody waits with is not kept until then.
  void drop_unused_event(const Lock&) {
    if (event_.use_count() == 1) event_ = nullptr;
  }

  void add_observer(const Lock&, ChangeObserver* observer) { observers_.push_back(observer); }
  void remove_observer(const Lock&, ChangeObserver* observer);

  // Sends to the group, or to the leader alone, as also in place of a group that this process is in: 0 or an errno. The
  // leader's number is never used once it may be somebody else's: a leader that has ended takes no signal (success), a
  // group that cannot be named any more gives ESRCH.
  int send(const Lock& lock, AttemptTarget target, int signal);
  // Whether a signal that can end a process was sent while the leader lived; this signal, or any.
  bool was_sent(const Lock&, int signal) const { return (sent_ & mask_of(signal)) != 0; }
  bool was_sent_any(const Lock&) const { return sent_ != 0; }
  // True when this process is in the child's group: a signal to the group would be one to ourselves.
  bool group_is_ours(const Lock& lock);
  // True when the running leader is in another group than the one that it was started to lead.
  bool leader_has_moved(const Lock& lock);

  // False when look_at_group() needs no reading of /proc: there is no group, or the kernel says that it is empty.
  // REQUIRES: ended().
  bool group_may_live(const Lock& lock);
  // Whether anybody lives in the group besides the leader that has ended, and who. kEmpty is final.
  // REQUIRES: ended().
  // `table`: a reading of /proc, none of it from before the leader's end.
  GroupState look_at_group(const Lock& lock, ProcessTable& table, std::vector<Member>* live);

  // In a forked copy: closes its copies of the descriptors. Takes no lock, which may have been held at the fork.
  void close_copies();

  // Whether the group has been found empty, or there is none: nobody will need its number.
  bool is_done_with_group(const Lock&) const { return !leads_group_ || group_is_empty_; }

  // The pin is not needed any more: collects the zombie, now or as soon as it is there.
  void release(const Lock& lock);
  // Collects a zombie that was left although nothing needs it any more (because the reaper waited by number).
  void collect_unpinned(const Lock& lock);

  // The write end of the stdin pipe. `stays_open`: wait, terminate and kill leave it.
  void set_stdin(UniqueFd fd, bool stays_open = false) {
    stdin_.open(std::move(fd));
    stdin_.stays_open = stays_open;
  }
  int stdin_fd(const Lock&) const { return stdin_.fd(); }
  void close_stdin(const Lock& lock) {
    if (stdin_.close()) notify(lock);
  }
  void close_stdin_unless_kept(const Lock& lock) {
    if (!stdin_.stays_open) close_stdin(lock);
  }
  StdinPipe& stdin_pipe(const Lock&) { return stdin_; }

  // Whether the destructor of the handle is to end the child.
  void set_armed(const Lock&, bool armed) { armed_ = armed; }
  bool armed(const Lock&) const { return armed_; }
  // The owner of the handle has been given the status, by a wait or a termination.
  void set_told(const Lock& lock) {
    set_armed(lock, false);
    told_ = true;
  }
  bool told(const Lock&) const { return told_; }

  // The escalation that runs, or the last one that ran.
  const std::shared_ptr<Escalation>& escalation(const Lock&) const { return escalation_; }
  void set_escalation(const Lock&, std::shared_ptr<Escalation> escalation) { escalation_ = std::move(escalation); }
  const AttemptLog& last_log(const Lock&) const { return last_log_; }
  void set_last_log(const Lock&, AttemptLog log) { last_log_ = std::move(log); }

 private:
  class WaitsByPidfd;

  static std::uint64_t mask_of(int signal) { return std::uint64_t{1} << (signal - 1); }
  bool must_pin();
  void publish(const Lock& lock, const ExitStatus& status, Phase phase);
  bool recover_lost(Lock& lock, int pidfd);
  bool has_group_signals();
  bool leader_has_number();
  bool marked_group_lives();
  bool number_is_ours();
  int send_to_group(int signal);
  int send_to_members(int signal);
  int send_to_member(const Member& member, int signal);
  GroupScan scan_group(const Lock& lock, ProcessTable& table);
  void collect(const Lock& lock);
  int send_to_leader(int signal);

  Sys& sys_;
  const std::string name_;
  ChildId child_;
  bool leads_group_ = true;

  std::mutex mutex_;
  std::condition_variable changed_;
  int sleepers_ = 0;  // on it
  Phase phase_ = Phase::kStarting;
  bool abandoned_ = false;
  std::optional<ExitStatus> status_;
  int look_error_ = 0;
  bool reaper_waits_by_number_ = false;
  int waiters_by_pidfd_ = 0;
  std::condition_variable grace_over_;
  bool grace_is_over_ = false;
  bool is_held_ = false;  // dead, and not to be waited for: by a tracer
  bool released_ = false;
  bool group_is_empty_ = false;
  bool marked_ = false;            // the pidfd tells whether the group is there
  bool member_was_seen_ = false;   // alive, after the leader's end
  bool group_was_killed_ = false;  // SIGKILL went to the whole of it
  int unbelieved_looks_ = 0;
  bool armed_ = true;
  bool told_ = false;
  std::uint64_t sent_ = 0;        // one bit for each signal
  std::shared_ptr<Event> event_;  // of those who wait for a descriptor too; for one change
  std::vector<ChangeObserver*> observers_;
  StdinPipe stdin_;
  std::shared_ptr<Escalation> escalation_;
  AttemptLog last_log_;
  ReaperStart reaper_start_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_SUPERVISED_H_
