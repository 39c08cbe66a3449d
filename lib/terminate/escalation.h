// The phase machine that ends a child: one pass through a policy, which any number of threads may take part in.
//
// An escalation is data under the lock of its Supervised. A thread that takes part advances it when its current
// deadline passes; all of them get its outcome.
#ifndef WARDEN_LIB_TERMINATE_ESCALATION_H_
#define WARDEN_LIB_TERMINATE_ESCALATION_H_

#include <string>
#include <vector>

#include "lib/supervise/supervised.h"
#include "warden/log.h"
#include "warden/result.h"
#include "warden/termination_error.h"
#include "warden/termination_policy.h"
#include "warden/termination_report.h"

namespace warden::internal {

using TerminationResult = Result<TerminationReport, TerminationError>;

class Escalation {
 public:
  Escalation(Supervised& child, const TerminationPolicy& policy);

  void join(const Lock& lock, const TerminationPolicy& policy);

  // Does everything that is due and returns when the escalation is over or has to wait until deadline().
  void advance(Lock& lock);
  // The same, but the look at the group makes no reading of /proc of its own: `table` is one, from no time before the
  // leader's end. Where that is nullptr and a reading is needed, it returns, and needs_table() is true until the next
  // advance, of whichever participant.
  void advance_with(Lock& lock, ProcessTable* table);
  bool needs_table(const Lock&) const { return needs_table_; }
  // The same directly after a look at the leader, under the same lock: a second look would see the same.
  void advance_after_look(Lock& lock);
  // Directly before advance(): tells the keeper of a tree of the graceful signal that is due, whose answer advance()
  // waits for, so that many keepers work at once.
  void ask_ahead(const Lock& lock);
  bool over(const Lock&) const { return stage_ == Stage::kOver; }
  // Waits until the deadline at most for a change that advance() would act on. May return early.
  void wait(Lock& lock);
  // A reading of /proc is due, which a wait comes before: others may want the child's lock.
  bool is_due(const Lock&) const { return is_due_; }
  // What wait() waits for beside changes of the child (the leader's exit, the end of the escalation):
  TimePoint deadline() const;
  const std::vector<Member>& survivors(const Lock&) const { return live_; }  // as last seen, once the leader has ended
  bool must_look_again(const Lock& lock) const;                              // in a while: nothing tells of the end

  // REQUIRES: over().
  TerminationResult outcome(const Lock& lock) const;
  const AttemptLog& log(const Lock&) const { return log_; }

  // The messages since the last call, for delivery without the lock.
  struct Message {
    LogSeverity severity;
    std::string event, error;
  };
  std::vector<Message> take_messages(const Lock&) { return std::move(messages_); }

 private:
  enum class Stage { kPreflight, kWaiting, kWaitingAfterKill, kOver };

  void advance(Lock& lock, ProcessTable* table, bool may_read, bool was_looked_at);
  void widen(const Lock& lock);
  void preflight(const Lock& lock);  // after a look
  bool next_phase(const Lock& lock);
  void enter_phase(const Lock& lock, const TerminationPhase& phase, AttemptTarget target);
  void enter_kill(const Lock& lock);
  void finish_wait(const Lock& lock);
  void fail(const Lock& lock);
  bool is_finished(Lock& lock, ProcessTable* table, bool may_read);
  bool is_group_empty(const Lock& lock, ProcessTable* table, bool may_read);
  bool is_group_unknown() const {
    return group_state_ == GroupState::kUnknown || group_state_ == GroupState::kUnsettled;
  }
  void record_sweep(TimePoint started);
  struct Sent {
    int error;   // the leader's, where it was signalled apart
    bool any;    // at least one process was signalled
    bool apart;  // the leader was signalled apart from its group
  };
  int send_once(const Lock& lock, Signal signal, AttemptTarget target);
  Sent send(const Lock& lock, Signal signal, AttemptTarget target);
  void start_waiting(const Lock& lock, Stage stage, int send_error, absl::Duration timeout);
  AttemptTarget target_of(const Lock& lock, AttemptTarget asked) const;
  AttemptOperation wait_operation() const;
  void wait_for_tree(Lock& lock);
  EndCause cause_of_end(const Lock& lock) const;
  std::vector<StuckProcess> find_stuck(const Lock& lock) const;

  Attempt& record(AttemptOperation operation, TimePoint started, AttemptResult result, std::error_code error = {});
  void warn(LogSeverity severity, std::string event, std::string error);

  Supervised& child_;
  Leader& leader_;
  Scope& scope_;
  TerminationPolicy policy_;
  std::size_t next_ = 0;          // the next phase of the policy
  bool has_asked_ahead_ = false;  // for that: it has to follow
  const TimePoint begun_;

  Stage stage_ = Stage::kPreflight;
  AttemptPhase phase_ = AttemptPhase::kPreflight;
  std::optional<Signal> signal_;  // of the current phase
  TimePoint wait_started_;
  TimePoint phase_deadline_;
  TimePoint kill_by_ = TimePoint::max();  // when a joined policy wants SIGKILL

  ProcessTable table_;                     // for the looks at the group
  bool has_looked_ = false;                // at the group, in this phase
  bool has_read_ = false;                  // /proc, in this advance
  TimePoint::duration reading_time_ = {};  // of the last look
  bool is_due_ = false;
  bool needs_table_ = false;     // the last advance_with() could not tell without
  bool wait_recorded_ = false;   // the leader's exit is in the log
  bool sweep_recorded_ = false;  // this phase's look at the group is in the log
  GroupState group_state_ = GroupState::kUnknown;
  std::vector<Member> live_;         // as last seen
  std::vector<Survivor> survivors_;  // as first seen
  int send_error_ = 0;               // of the last signal
  bool forced_ = false;
  bool succeeded_ = false;
  std::error_code failure_;
  std::vector<StuckProcess> stuck_;
  AttemptLog log_;
  std::vector<Message> messages_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_ESCALATION_H_
