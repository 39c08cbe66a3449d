// One child, as all its threads share it: what is known of it, and every signal and reap, under one lock.
#ifndef WARDEN_LIB_SUPERVISE_SUPERVISED_H_
#define WARDEN_LIB_SUPERVISE_SUPERVISED_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "lib/supervise/changes.h"
#include "lib/supervise/group.h"
#include "lib/supervise/leader.h"
#include "lib/supervise/stdin_pipe.h"
#include "lib/supervise/tree.h"
#include "warden/attempt_log.h"

namespace warden::internal {

class Escalation;
class Supervised;

// Runs on the reaper before it begins to wait, with no lock held: the launch of a child that is to die with its parent.
using ReaperTask = std::function<void()>;

// What a reaper is given at its start, and what it tells at its end.
struct ReaperState {
  std::shared_ptr<Supervised> supervised;
  ReaperTask task;  // may be empty
  bool has_grace = false;
  bool is_done = false;  // under the child's lock: the thread is about to end
};

// Thread-safe: a method with a Lock needs the child's lock.
class Supervised {
 public:
  Supervised(Sys& sys, std::string name)
      : sys_(sys), name_(std::move(name)), changes_(sys, mutex_), leader_(sys, changes_), group_(sys, leader_) {}
  Supervised(const Supervised&) = delete;
  Supervised& operator=(const Supervised&) = delete;

  Sys& sys() { return sys_; }
  const std::string& name() const { return name_; }
  int pid() const { return leader_.process().pid(); }  // set before the first handle exists

  Changes& changes() { return changes_; }
  Leader& leader() { return leader_; }
  Group& group() { return group_; }
  // Null where there is none.
  Tree* tree() { return has_tree_ ? tree_.get() : nullptr; }
  // The tree, where there is one, else the group.
  Scope& scope() { return has_tree_ ? static_cast<Scope&>(*tree_) : group_; }

  // Between the handle and the reaper, which takes out what it is given. It is here so that a reaper without a task
  // neither allocates nor frees: a thread's first call of either gives it a cache of its own.
  ReaperState& reaper_state() { return reaper_state_; }

  // The child exists: takes the pidfd over. The supervision begins, once changes().wake_sleepers() tells of it.
  void begin(const Lock& lock, ChildId id, bool leads_group) {
    leader_.begin(lock, id, leads_group);
    group_.begin(lock, leads_group);
  }
  // The same of a child below a keeper. REQUIRES: prepare_tree(), before there was a child.
  void begin_tree(const Lock& lock, ChildId id, ChildId keeper, UniqueFd socket) {
    has_tree_ = true;
    tree_->begin(lock, keeper, std::move(socket));
    leader_.begin(lock, id, *tree_);
  }
  void prepare_tree() { tree_ = std::make_unique<Tree>(sys_, changes_, leader_); }
  // Whether the reaper has next to nothing left to wait for.
  bool is_ending(const Lock& lock) { return leader_.ended(lock) && (tree() == nullptr || tree_->is_ending(lock)); }
  // Whether nothing is left to be waited for: the leader has ended, and so has its keeper, if it has one.
  bool is_over(const Lock& lock) { return leader_.ended(lock) && (tree() == nullptr || tree_->is_over(lock)); }

  // In a forked copy: closes its copies of the descriptors. Takes no lock, which may have been held at the fork.
  void close_copies() {
    stdin_.close_copy();
    leader_.close_copy();
    if (tree_ != nullptr) tree_->close_copies();
  }

  // The write end of the stdin pipe. `stays_open`: wait, terminate and kill leave it.
  void set_stdin(UniqueFd fd, bool stays_open = false) {
    stdin_.open(std::move(fd));
    stdin_.stays_open = stays_open;
  }
  int stdin_fd(const Lock&) const { return stdin_.fd(); }
  void close_stdin(const Lock& lock) {
    if (stdin_.close()) changes_.notify(lock);
  }
  void close_stdin_unless_kept(const Lock& lock) {
    if (!stdin_.stays_open) close_stdin(lock);
  }
  StdinPipe& stdin_pipe(const Lock&) { return stdin_; }

  // The program has seen the end of the child, so that the destructor of the handle has nothing to do.
  void set_end_seen(const Lock&) { is_end_seen_ = true; }
  bool is_end_seen(const Lock&) const { return is_end_seen_; }
  // The owner of the handle has been given the status, by a wait or a termination.
  void set_told(const Lock& lock) {
    set_end_seen(lock);
    told_ = true;
  }
  bool told(const Lock&) const { return told_; }

  // The escalation that runs, or the last one that ran.
  const std::shared_ptr<Escalation>& escalation(const Lock&) const { return escalation_; }
  void set_escalation(const Lock&, std::shared_ptr<Escalation> escalation) { escalation_ = std::move(escalation); }
  const AttemptLog& last_log(const Lock&) const { return last_log_; }
  void set_last_log(const Lock&, AttemptLog log) { last_log_ = std::move(log); }

 private:
  friend class Lock;

  Sys& sys_;
  const std::string name_;
  std::mutex mutex_;
  Changes changes_;
  Leader leader_;
  Group group_;
  std::unique_ptr<Tree> tree_;
  bool has_tree_ = false;
  StdinPipe stdin_;
  bool is_end_seen_ = false;
  bool told_ = false;
  std::shared_ptr<Escalation> escalation_;
  AttemptLog last_log_;
  ReaperState reaper_state_;
};

inline Lock::Lock(Supervised& child) : std::unique_lock<std::mutex>(child.mutex_) {}

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_SUPERVISED_H_
