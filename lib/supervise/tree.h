// A child's tree: all that it has started, directly or not. Its keeper (lib/keeper), a child of this process and the
// parent of the leader, tells who has ended, and ends who is left.
#ifndef WARDEN_LIB_SUPERVISE_TREE_H_
#define WARDEN_LIB_SUPERVISE_TREE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/keeper/protocol.h"
#include "lib/os/held_child.h"
#include "lib/os/held_fd.h"
#include "lib/supervise/leader.h"
#include "lib/supervise/scope.h"
#include "lib/supervise/status_source.h"

namespace warden::internal {

// Thread-safe: a method with a Lock needs the child's lock.
class Tree final : public Scope, public StatusSource {
 public:
  Tree(Sys& sys, Changes& changes, Leader& leader) : sys_(sys), changes_(changes), leader_(leader) {}

  ~Tree() { close_copies(); }

  // The leader has begun below this keeper.
  void begin(const Lock& lock, ChildId keeper, UniqueFd socket);

  // Reads what the keeper has told, and collects a keeper that has ended. True if there was news.
  bool update(const Lock& lock);
  // Whether the keeper has ended and is collected: there will be no more news.
  bool is_over(const Lock&) const { return is_over_; }
  // Whether it is about to, since nobody is left.
  bool is_ending(const Lock&) const { return is_empty_ || is_over_; }
  // The tree may outlive this process from now on. Blocks up to 1 s, where the keeper does not read.
  void let_go(const Lock& lock);

  // Gives a tree that has just got its SIGKILL a moment to end, with the lock held: as a rule it needs no more, and
  // nobody has to be woken for it. True if the keeper has ended.
  bool ends_at_once(const Lock& lock, TimePoint deadline);

  // Tells the keeper of a graceful signal, for which send() only waits then. False where there is nobody to tell.
  bool ask_ahead(const Lock& lock, int signal);

  // The program was stopped by this signal, 0: it goes on, as last told.
  int stopped_by(const Lock&) const { return stopped_by_; }

  // Closes the descriptors; in a forked copy, its copies. Takes no lock, which may have been held at the fork.
  void close_copies();
  bool has_lost_descriptors() const override {
    return keeper_.has_lost_pidfd() || (socket_.is_set() && socket_.get() < 0);
  }

  Containment containment() const override { return Containment::kTree; }
  AttemptTarget target() const override { return AttemptTarget::kTree; }
  bool has_others() const override { return true; }
  // A graceful signal goes through the keeper, which answers: blocks up to 1 s with the lock held.
  int send(const Lock& lock, AttemptTarget target, int signal, std::string* detail = nullptr) override;
  bool is_ours(const Lock&) const override { return false; }
  bool leader_has_moved(const Lock&) const override { return false; }
  bool may_live(const Lock& lock) override;
  bool needs_table(const Lock&) override { return false; }
  GroupState look(const Lock& lock, ProcessTable& table, std::vector<Member>* live) override;
  std::vector<Member> name_left(const Lock&) override;
  int refusal(const Lock&) const override { return refusal_; }
  absl::Duration longest_pause(const Lock&) const override;
  bool is_done(const Lock&) const override { return is_over_ && is_empty_; }

  WaitOutcome look_at_leader(const Lock& lock) override;
  WaitFds news(const Lock& lock) const override;
  bool is_blind(const Lock&) const override { return is_blind_; }
  TimePoint next_look(const Lock& lock, TimePoint deadline) const override;

 private:
  bool is_lost() const { return is_over_ && !is_empty_; }
  bool read_reports(const Lock& lock);
  void take(const KeeperReport& report);
  void look_at_keeper(const Lock& lock);
  WaitOutcome look_without_keeper();
  void wake_keeper() const;
  int order(KeeperOrder::Kind kind, int signal, std::uint32_t number);
  int order_by_signal(int signal);
  // What the keeper was asked for: the signal, 0 where nobody waits for its answer.
  struct Question {
    int signal = 0;
    std::uint32_t number = 0;
    TimePoint answer_by;
    std::optional<KeeperReport> answer;
  };
  int ask(int signal, Question* question);
  int signal_all(const Lock& lock, int signal, std::string* detail);
  int kill_all(const Lock& lock);
  int send_to_known(const Lock& lock, int signal);
  int send_without_keeper(const Lock& lock, int signal, int error);
  void wait_for_status(const Lock& lock);
  void wait_for_end(const Lock& lock);
  bool await_report(TimePoint deadline);
  bool is_late() const;
  std::vector<Member> members(int leader_pid) const;

  Sys& sys_;
  Changes& changes_;
  Leader& leader_;
  HeldChild keeper_;
  HeldFd socket_;
  bool is_closed_ = false;       // the keeper's end of the socket
  bool is_killing_ = false;      // the keeper was told to
  TimePoint late_at_;            // when it should have
  bool leader_is_dead_ = false;  // as its pidfd has shown
  bool was_waited_for_ = false;  // then, for its status
  bool is_empty_ = false;        // as the keeper has said
  bool is_over_ = false;
  std::optional<ExitStatus> status_;  // the leader's
  int stopped_by_ = 0;
  int refusal_ = 0;          // of SIGKILL to one of the tree: the errno
  std::uint32_t asked_ = 0;  // the number of the last question
  Question now_, ahead_;
  bool is_blind_ = false;  // at the last look
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_TREE_H_
