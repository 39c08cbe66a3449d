// The phase machine that ends a child: one run of a policy, which any number of threads may take part in.
//
// A run is data under the lock of its Supervised. Whoever takes part advances it when its current deadline passes; all
// get its outcome.
#ifndef WARDEN_LIB_TERMINATE_ESCALATION_H_
#define WARDEN_LIB_TERMINATE_ESCALATION_H_

#include <memory>
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

// Ends the child by the policy: starts a run or joins the one that is under way. Joining shortens it where this policy
// is shorter, and never lengthens it; no phase is ever sent twice or added. Blocks, with the lock released while it
// waits. Log messages are delivered with the lock released. REQUIRES: the policy is valid.
TerminationResult terminate_child(Supervised& child, Lock& lock, const TerminationPolicy& policy);

class Escalation {
 public:
  Escalation(Supervised& child, const TerminationPolicy& policy);

  void join(const Lock& lock, const TerminationPolicy& policy);

  // Whether advance() may read /proc itself when it has no table. Where it may not and needs one before the deadline,
  // it returns, and must_look_again() is true.
  enum class Reading { kAllowed, kPutOff };

  // Does everything that is due and returns when the run is over or has to wait until deadline(). `table`: what to take
  // for the state of /proc, read at no time before the leader's end; nullptr to read it anew when needed.
  void advance(Lock& lock, ProcessTable* table = nullptr, Reading reading = Reading::kAllowed);
  // The same directly after a look at the leader, under the same lock: another would see nothing else.
  void advance_after_look(Lock& lock);
  bool over(const Lock&) const { return stage_ == Stage::kOver; }
  // Waits for something to happen, until the deadline at most. May return early.
  void wait(Lock& lock);
  // What wait() waits for. The leader's exit and the end of the run are changes of the child; beside those:
  TimePoint deadline() const;
  const std::vector<Member>& survivors(const Lock&) const { return live_; }  // as last seen, once the leader has ended
  bool must_look_again(const Lock& lock) const;                              // in a while, because nothing will tell

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

  void advance(Lock& lock, ProcessTable* table, Reading reading, bool was_looked_at);
  void widen(const Lock& lock);
  void preflight(const Lock& lock);  // after a look
  bool next_phase(const Lock& lock);
  void enter_phase(const Lock& lock, const TerminationPhase& phase, AttemptTarget target);
  void enter_kill(const Lock& lock);
  void finish_wait(const Lock& lock);
  void fail(const Lock& lock);
  bool is_finished(Lock& lock, ProcessTable* table, Reading reading);
  bool is_group_empty(const Lock& lock, ProcessTable* table, Reading reading);
  struct Sent {
    int error;   // the leader's, where it was signalled apart
    bool any;    // somebody was signalled
    bool apart;  // the leader was signalled apart from its group
  };
  int send_once(const Lock& lock, Signal signal, AttemptTarget target);
  Sent send(const Lock& lock, Signal signal, AttemptTarget target);
  void start_waiting(const Lock& lock, Stage stage, int send_error, absl::Duration timeout);
  AttemptTarget target_of(const Lock& lock, AttemptTarget asked) const;
  AttemptOperation wait_operation() const;
  EndCause cause_of_end(const Lock& lock) const;
  std::vector<StuckProcess> find_stuck(const Lock& lock) const;

  Attempt& record(AttemptOperation operation, TimePoint started, AttemptResult result, std::error_code error = {});
  void warn(LogSeverity severity, std::string event, std::string error);

  Supervised& child_;
  TerminationPolicy policy_;
  std::size_t next_ = 0;  // the next phase of the policy
  const TimePoint begun_;

  Stage stage_ = Stage::kPreflight;
  AttemptPhase phase_ = AttemptPhase::kPreflight;
  std::optional<Signal> signal_;  // of the current phase
  TimePoint wait_started_;
  TimePoint phase_deadline_;
  TimePoint kill_by_ = TimePoint::max();  // when a joined policy wants SIGKILL

  bool wait_recorded_ = false;   // the leader's exit is in the log
  bool sweep_recorded_ = false;  // this phase's look at the group is in the log
  GroupState group_ = GroupState::kUnknown;
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

// The parts of terminate_child, for a caller that ends several children at once.
std::shared_ptr<Escalation> take_part(Supervised& child, Lock& lock, const TerminationPolicy& policy);
void deliver_messages(Supervised& child, Lock& lock, Escalation& run);               // releases the lock meanwhile
TerminationResult outcome_of(Supervised& child, Lock& lock, const Escalation& run);  // REQUIRES: over()

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_ESCALATION_H_
