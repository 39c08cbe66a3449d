#include "lib/terminate/escalation.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/os_error.h"
#include "lib/base/printable.h"
#include "lib/os/deadline.h"
#include "lib/terminate/stuck_process.h"
#include "lib/terminate/survivor_watch.h"
#include "warden/log.h"

namespace warden::internal {
namespace {

// The most processes that an error names.
constexpr std::size_t kMostStuck = 16;

// The process has died, of our SIGKILL or before; its tracer holds the zombie until it detaches or collects it.
bool is_held_by_tracer(const StuckProcess& process) {
  return process.tracer_pid != 0 && (process.state == 'Z' || process.state == 'X');
}

std::vector<Survivor> survivors_of(const std::vector<Member>& live) {
  std::vector<Survivor> survivors;
  for (const Member& member : live) survivors.push_back({member.pid, member.program});
  return survivors;
}

std::string describe(const std::vector<Member>& live) {
  return absl::StrJoin(live, ", ", [](std::string* out, const Member& member) {
    absl::StrAppend(out, member.pid, " (", printable(member.program), ")");
  });
}

// The longest that the policy would wait after this signal. A phase that it does not have gets no time, so that its own
// phases come before its SIGKILL.
absl::Duration timeout_after(const TerminationPolicy& policy, Signal signal) {
  absl::Duration timeout = absl::InfiniteDuration();
  bool has_phase = false;
  for (const TerminationPhase& phase : policy.phases) {
    if (phase.signal != signal) continue;
    timeout = std::min(timeout, phase.timeout.duration());
    has_phase = true;
  }
  return has_phase ? timeout : absl::ZeroDuration();
}

}  // namespace

Escalation::Escalation(Supervised& child, const TerminationPolicy& policy)
    : child_(child),
      leader_(child.leader()),
      scope_(child.scope()),
      policy_(policy),
      begun_(child.sys().now()),
      table_(child.sys()) {}

// A later policy can only shorten what is left: each phase to its own timeout, and SIGKILL to the sum of its timeouts.
void Escalation::join(const Lock& lock, const TerminationPolicy& policy) {
  const TimePoint now = child_.sys().now();
  absl::Duration total;
  for (const TerminationPhase& theirs : policy.phases) total += theirs.timeout.duration();
  kill_by_ = std::min(kill_by_, deadline_after(now, total));
  for (std::size_t i = next_; i < policy_.phases.size(); ++i) {
    Timeout& timeout = policy_.phases[i].timeout;
    timeout = std::min(timeout, Timeout(timeout_after(policy, policy_.phases[i].signal)));
  }
  if (send_error_ != 0) {  // a grace, whatever it came after
    phase_deadline_ = std::min(phase_deadline_, deadline_after(now, policy.failed_send_grace.duration()));
  } else if (stage_ == Stage::kWaitingAfterKill) {
    phase_deadline_ = std::min(phase_deadline_, deadline_after(now, policy.kill_timeout.duration()));
  } else if (stage_ == Stage::kWaiting && signal_.has_value()) {
    phase_deadline_ = std::min(phase_deadline_, deadline_after(now, timeout_after(policy, *signal_)));
  }
  policy_.kill_timeout = std::min(policy_.kill_timeout, policy.kill_timeout);
  policy_.failed_send_grace = std::min(policy_.failed_send_grace, policy.failed_send_grace);
  if (policy_.leader_only && !policy.leader_only) widen(lock);
  child_.changes().notify(lock);
}

// Extends the escalation from the leader to its group. A SIGKILL that was sent went to the leader alone: the group gets
// one, and the bound stays.
void Escalation::widen(const Lock& lock) {
  policy_.leader_only = false;
  if (stage_ != Stage::kWaitingAfterKill) return;
  const TimePoint bound = phase_deadline_;
  enter_kill(lock);
  phase_deadline_ = std::min(phase_deadline_, bound);
}

TimePoint Escalation::deadline() const {
  return stage_ == Stage::kWaiting ? std::min(phase_deadline_, kill_by_) : phase_deadline_;
}

Attempt& Escalation::record(AttemptOperation operation, TimePoint started, AttemptResult result,
                            std::error_code error) {
  Attempt attempt;
  attempt.phase = phase_;
  attempt.operation = operation;
  attempt.started = duration_between(begun_, started);
  attempt.elapsed = duration_between(started, child_.sys().now());
  attempt.result = result;
  attempt.error = error;
  return log_.append(std::move(attempt));
}

void Escalation::warn(LogSeverity severity, std::string event, std::string error) {
  messages_.push_back({severity, std::move(event), std::move(error)});
}

void Escalation::advance(Lock& lock) { advance(lock, nullptr, /*may_read=*/true, /*was_looked_at=*/false); }

void Escalation::advance_with(Lock& lock, ProcessTable* table) {
  advance(lock, table, /*may_read=*/false, /*was_looked_at=*/false);
}

void Escalation::advance_after_look(Lock& lock) {
  advance(lock, nullptr, /*may_read=*/true, !leader_.ended(lock) && leader_.look_error(lock) == 0);
}

void Escalation::advance(Lock& lock, ProcessTable* table, bool may_read, bool was_looked_at) {
  needs_table_ = is_due_ = has_read_ = false;
  if (stage_ == Stage::kOver) return;
  if (stage_ == Stage::kPreflight) preflight(lock);
  if (std::exchange(has_asked_ahead_, false)) {
    finish_wait(lock);
    enter_phase(lock, policy_.phases[next_++], AttemptTarget::kTree);
  }
  while (stage_ != Stage::kOver) {
    const bool finished = !std::exchange(was_looked_at, false) && is_finished(lock, table, may_read);
    if (stage_ == Stage::kOver) return;  // by another participant, while a look had released the lock
    if (needs_table_) return;
    if (finished) {
      succeeded_ = true;
      stage_ = Stage::kOver;
    } else if (leader_.ended(lock) && group_state_ == GroupState::kLost) {
      enter_kill(lock);  // nothing will tell more: what is known gets a SIGKILL that needs no keeper
      fail(lock);
    } else if (child_.sys().now() < deadline()) {
      return;
    } else {
      finish_wait(lock);
      if (stage_ == Stage::kWaitingAfterKill) {
        fail(lock);
      } else if (!next_phase(lock)) {
        enter_kill(lock);
      }
      const bool is_table_old = table != nullptr && table->was_read();  // from before the signal
      is_due_ = (has_read_ || is_table_old) && stage_ != Stage::kOver;
      if (is_due_) return;
    }
  }
  child_.set_last_log(lock, log_);
  child_.changes().notify(lock);
}

void Escalation::preflight(const Lock& lock) {
  const TimePoint started = child_.sys().now();
  // A wait whose deadline has passed: what the preflight does not settle goes on to the first phase.
  stage_ = Stage::kWaiting;
  phase_deadline_ = started;
  wait_recorded_ = true;
  const int error = leader_.ended(lock) ? 0 : leader_.look_error(lock);
  record(AttemptOperation::kCheckStatus, started, error == 0 ? AttemptResult::kOk : AttemptResult::kFailed,
         os_error(error))
      .target = AttemptTarget::kLeader;
  if (error != 0)
    warn(LogSeverity::kWarning, "the child's state is unknown; the escalation goes on", os_error(error).message());
}

// True when what the policy promises has been reached. Looks, and records what it sees.
bool Escalation::is_finished(Lock& lock, ProcessTable* table, bool may_read) {
  if (!leader_.ended(lock) && !leader_.look(lock)) return false;
  if (stage_ == Stage::kOver) return succeeded_;
  if (!wait_recorded_) {
    Attempt& wait = record(wait_operation(), wait_started_, AttemptResult::kOk);
    wait.signal = signal_;
    wait_recorded_ = true;
    wait_started_ = child_.sys().now();  // the rest of the phase is a wait for the rest of the group
  }
  if (policy_.leader_only || !scope_.has_others()) return true;
  return is_group_empty(lock, table, may_read);
}

// The first look of a phase is made whole, also where it takes longer than the phase; each other gives up at the end of
// the phase. After SIGKILL all are made whole, with one at the end.
bool Escalation::is_group_empty(const Lock& lock, ProcessTable* table, bool may_read) {
  const TimePoint started = child_.sys().now();
  const bool is_whole = !has_looked_ || stage_ == Stage::kWaitingAfterKill;
  if (!is_whole && started > deadline() && scope_.may_live(lock)) return false;
  needs_table_ = table == nullptr && !may_read && scope_.needs_table(lock);
  if (needs_table_) return false;
  if (table == nullptr) table_.renew(is_whole ? TimePoint::max() : deadline());
  ProcessTable& used = table == nullptr ? table_ : *table;
  std::vector<Member> live;
  const GroupState state = scope_.look(lock, used, &live);
  has_looked_ = true;
  has_read_ = used.was_read();
  reading_time_ = child_.sys().now() - started;
  const bool has_given_up = !is_whole && state == GroupState::kUnsettled && child_.sys().now() > deadline();
  if (has_given_up) return false;
  group_state_ = state;
  live_ = std::move(live);
  if (survivors_.empty()) survivors_ = survivors_of(live_);
  const bool is_news = !sweep_recorded_ && state != GroupState::kUnsettled && state != GroupState::kEnding;
  if (is_news || state == GroupState::kEmpty) record_sweep(started);
  return state == GroupState::kEmpty;
}

void Escalation::record_sweep(TimePoint started) {
  const bool is_left = group_state_ == GroupState::kLive || group_state_ == GroupState::kEnding;
  const AttemptResult result = group_state_ == GroupState::kEmpty ? AttemptResult::kOk
                               : is_left                          ? AttemptResult::kTimedOut
                                                                  : AttemptResult::kFailed;
  std::error_code error;
  if (is_left) error = Errc::kSurvivors;
  if (is_group_unknown()) error = Errc::kGroupUnknown;
  if (group_state_ == GroupState::kLost) error = Errc::kContainmentLost;
  Attempt& sweep = record(AttemptOperation::kSweep, started, result, error);
  sweep.target = scope_.target();
  sweep.detail = describe(live_);
  sweep_recorded_ = true;
  wait_started_ = child_.sys().now();  // the wait for the others begins after the look
}

// After a failed send the wait is a grace in which the leader is looked at, and no wait for an exit.
AttemptOperation Escalation::wait_operation() const {
  return send_error_ == 0 ? AttemptOperation::kWaitForExit : AttemptOperation::kCheckStatus;
}

// The time of the current wait is over.
void Escalation::finish_wait(const Lock& lock) {
  if (phase_ == AttemptPhase::kPreflight) return;
  const bool is_untold = group_state_ == GroupState::kUnsettled || group_state_ == GroupState::kEnding;
  if (leader_.ended(lock) && is_untold && !sweep_recorded_) record_sweep(wait_started_);
  const int look_error = leader_.ended(lock) ? 0 : leader_.look_error(lock);
  Attempt& wait = look_error == 0
                      ? record(wait_operation(), wait_started_, AttemptResult::kTimedOut,
                               std::make_error_code(std::errc::timed_out))
                      : record(wait_operation(), wait_started_, AttemptResult::kFailed, os_error(look_error));
  wait.signal = signal_;
  if (leader_.ended(lock)) wait.detail = describe(live_);
  if (look_error != 0 && (stage_ == Stage::kWaiting || send_error_ != 0)) {
    warn(LogSeverity::kWarning, absl::StrCat("the child's state is unknown after ", signal_->name()),
         wait.error.message());
  } else if (stage_ == Stage::kWaiting && send_error_ == 0) {
    const std::string waited = absl::FormatDuration(absl::Trunc(wait.elapsed, absl::Milliseconds(1)));
    warn(LogSeverity::kWarning, absl::StrCat("did not end in time after ", signal_->name()), "waited for " + waited);
  }
}

// False when no phase is left. The end of the leader skips a phase that is for the leader alone.
bool Escalation::next_phase(const Lock& lock) {
  while (next_ < policy_.phases.size() && child_.sys().now() < kill_by_) {
    const TerminationPhase phase = policy_.phases[next_++];
    const AttemptTarget target = target_of(lock, phase.target);
    if (target == AttemptTarget::kLeader && leader_.ended(lock)) continue;
    enter_phase(lock, phase, target);
    return true;
  }
  return false;
}

void Escalation::start_waiting(const Lock& lock, Stage stage, int send_error, absl::Duration timeout) {
  stage_ = stage;
  send_error_ = send_error;
  wait_started_ = child_.sys().now();
  wait_recorded_ = leader_.ended(lock);
  sweep_recorded_ = has_looked_ = false;
  phase_deadline_ = deadline_after(wait_started_, send_error == 0 ? timeout : policy_.failed_send_grace.duration());
  child_.close_stdin_unless_kept(lock);
}

void Escalation::fail(const Lock& lock) {
  stage_ = Stage::kOver;
  if (live_.empty()) live_ = scope_.name_left(lock);
  stuck_ = find_stuck(lock);
  if (group_state_ == GroupState::kLost) {
    failure_ = Errc::kContainmentLost;
  } else if (leader_.ended(lock) && is_group_unknown()) {
    failure_ = Errc::kGroupUnknown;  // where a send failed, too, this is why
  } else if (send_error_ != 0) {
    failure_ = os_error(send_error_);
  } else if (const int refusal = scope_.refusal(lock)) {
    failure_ = os_error(refusal);
  } else if (leader_.ended(lock)) {
    failure_ = Errc::kSurvivors;
  } else if (leader_.look_error(lock) != 0) {
    failure_ = Errc::kStatusUnknown;
  } else {
    failure_ = !stuck_.empty() && is_held_by_tracer(stuck_.front()) ? Errc::kNotReapable : Errc::kStillRunning;
  }
  // enter_kill() has warned of a SIGKILL that could not be sent.
  if (send_error_ == 0) warn(LogSeverity::kError, "could not be ended; it may still run", failure_.message());
}

std::vector<StuckProcess> Escalation::find_stuck(const Lock& lock) const {
  std::vector<StuckProcess> stuck;
  const auto add = [&](int pid) {
    if (stuck.size() == kMostStuck) return;
    if (auto process = read_stuck_process(child_.sys(), pid)) stuck.push_back(*std::move(process));
  };
  if (!leader_.ended(lock)) add(child_.pid());
  for (const Member& member : live_) add(member.pid);
  return stuck;
}

bool Escalation::must_look_again(const Lock& lock) const { return leader_.ended(lock) && is_group_unknown(); }

void Escalation::wait(Lock& lock) {
  if (is_due_) {
    const TimePoint::duration pause = std::min<TimePoint::duration>(reading_time_, std::chrono::milliseconds(1));
    return child_.changes().wait(lock, child_.sys().now() + pause);
  }
  if (scope_.containment() == Containment::kTree) {
    wait_for_tree(lock);
  } else if (leader_.ended(lock) && group_state_ == GroupState::kLive) {
    wait_for_survivor(child_, lock, live_, deadline());
  } else {
    const TimePoint next_look = deadline_after(child_.sys().now(), kSurvivorPause);
    leader_.wait_exit_or_changed(lock, must_look_again(lock) ? std::min(deadline(), next_look) : deadline());
  }
}

void Escalation::wait_for_tree(Lock& lock) {
  if (child_.tree()->ends_at_once(lock, deadline())) return;
  const TimePoint now = child_.sys().now();
  const TimePoint until = std::min(deadline(), deadline_after(now, scope_.longest_pause(lock)));
  if (!leader_.ended(lock)) return leader_.wait_exit_or_changed(lock, until);
  const WaitFds fds = child_.tree()->news(lock);
  if (fds.count == 0) return child_.changes().wait(lock, std::min(until, deadline_after(now, kSurvivorPause)));
  child_.changes().wait_readable(lock, fds.fds, fds.count, until);
}

EndCause Escalation::cause_of_end(const Lock& lock) const {
  const ExitStatus& status = leader_.status(lock);
  if (status.kind() == ExitStatus::Kind::kLost) return EndCause::kUnknown;
  if (!status.signal().has_value()) return scope_.was_sent_any(lock) ? EndCause::kByUs : EndCause::kNatural;
  return scope_.was_sent(lock, status.signal()->number()) ? EndCause::kByUs : EndCause::kByAnother;
}

TerminationResult Escalation::outcome(const Lock& lock) const {
  if (succeeded_) {
    return TerminationReport{leader_.status(lock), phase_, cause_of_end(lock),  forced_,
                             survivors_,           log_,   scope_.containment()};
  }
  TerminationError error = {TerminationError::Kind::kTerminationFailed, failure_, child_.name(), log_};
  error.survivors = survivors_of(live_);
  error.stuck = stuck_;
  error.containment = scope_.containment();
  return error;
}

}  // namespace warden::internal
