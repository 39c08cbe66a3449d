#include "warden/testing/matchers.h"

#include <cstddef>

namespace warden_testing {
namespace internal {
namespace {

using ::testing::MatchResultListener;

constexpr const char* kNotEnded = "which has not ended";
constexpr const char* kNotTerminated = "which was not terminated";

FoundLog log_of_optional(const std::optional<warden::TerminationReport>& report) {
  if (!report.has_value()) return {std::nullopt, kNotTerminated};
  return {report->attempts};
}

FoundPhase phase_of_optional(const std::optional<warden::TerminationReport>& report) {
  if (!report.has_value()) return {std::nullopt, kNotTerminated};
  return {report->ended_by};
}

}  // namespace

FoundStatus status_of(const warden::ExitStatus& status) { return {status}; }
FoundStatus status_of(const std::optional<warden::ExitStatus>& status) { return {status, kNotEnded}; }
FoundStatus status_of(const warden::TerminationReport& report) { return {report.status}; }
FoundStatus status_of(const warden::WaitOrTerminateResult& result) { return {result.status}; }
FoundStatus status_of(const warden::RunResult& result) { return {result.status}; }
FoundStatus status_of(const warden::ProcessState& state) { return {state.status, kNotEnded}; }
FoundStatus status_of(const warden::Readiness& readiness) { return {readiness.status, kNotEnded}; }

FoundPhase phase_of(const warden::TerminationReport& report) { return {report.ended_by}; }
FoundPhase phase_of(const warden::WaitOrTerminateResult& result) { return phase_of_optional(result.termination); }
FoundPhase phase_of(const warden::RunResult& result) { return phase_of_optional(result.termination); }

FoundLog log_of(const warden::AttemptLog& log) { return {log}; }
FoundLog log_of(const warden::TerminationReport& report) { return {report.attempts}; }
FoundLog log_of(const warden::TerminationError& error) { return {error.attempts()}; }
FoundLog log_of(const warden::WaitOrTerminateResult& result) { return log_of_optional(result.termination); }
FoundLog log_of(const warden::WaitOrTerminateError& error) {
  if (error.termination_error.has_value()) return {error.termination_error->attempts()};
  return log_of_optional(error.termination);
}
FoundLog log_of(const warden::RunResult& result) { return log_of_optional(result.termination); }
FoundLog log_of(const warden::RunError& error) {
  if (error.termination_error.has_value()) return {error.termination_error->attempts()};
  if (error.wait_error.has_value()) return log_of(*error.wait_error);
  return log_of_optional(error.termination);
}
FoundLog log_of(const warden::ExitStatus&) { return {std::nullopt, "which has no log"}; }

bool ExitedWithMatcher::matches(const FoundStatus& found, MatchResultListener* listener) const {
  if (!found.part.has_value()) {
    *listener << found.why_not;
    return false;
  }
  const std::optional<int> code = found.part->exit_code();
  if (code.has_value()) return code_.MatchAndExplain(*code, listener);
  *listener << "which has no exit code: " << *found.part;
  return false;
}

void ExitedWithMatcher::DescribeTo(std::ostream* out) const {
  *out << "exited with a code that ";
  code_.DescribeTo(out);
}

void ExitedWithMatcher::DescribeNegationTo(std::ostream* out) const {
  *out << "did not exit with a code that ";
  code_.DescribeTo(out);
}

bool KilledByMatcher::matches(const FoundStatus& found, MatchResultListener* listener) const {
  if (!found.part.has_value()) {
    *listener << found.why_not;
    return false;
  }
  const std::optional<warden::Signal> signal = found.part->signal();
  if (!signal.has_value()) *listener << "which no signal has killed: " << *found.part;
  return signal == signal_;
}

void KilledByMatcher::DescribeTo(std::ostream* out) const { *out << "was killed by " << signal_; }
void KilledByMatcher::DescribeNegationTo(std::ostream* out) const { *out << "was not killed by " << signal_; }

bool EndedInPhaseMatcher::matches(const FoundPhase& found, MatchResultListener* listener) const {
  if (found.part.has_value()) {
    *listener << "which ended in phase " << *found.part;
  } else {
    *listener << found.why_not;
  }
  return found.part == phase_;
}

void EndedInPhaseMatcher::DescribeTo(std::ostream* out) const { *out << "ended in phase " << phase_; }
void EndedInPhaseMatcher::DescribeNegationTo(std::ostream* out) const { *out << "did not end in phase " << phase_; }

bool HasAttemptMatcher::matches(const FoundLog& found, MatchResultListener* listener) const {
  if (!found.part.has_value()) {
    *listener << found.why_not;
    return false;
  }
  for (std::size_t i = 0; i < found.part->size(); ++i) {
    if (!attempt_.Matches((*found.part)[i])) continue;
    *listener << "whose attempt [" << i + 1 << "] is: " << (*found.part)[i];
    return true;
  }
  *listener << "none of whose " << found.part->size() << " attempts is";
  return false;
}

void HasAttemptMatcher::DescribeTo(std::ostream* out) const {
  *out << "has an attempt that ";
  attempt_.DescribeTo(out);
}

void HasAttemptMatcher::DescribeNegationTo(std::ostream* out) const {
  *out << "has no attempt that ";
  attempt_.DescribeTo(out);
}

namespace {

class AttemptIs : public ::testing::MatcherInterface<const warden::Attempt&> {
 public:
  AttemptIs(warden::AttemptPhase phase, warden::AttemptOperation operation, std::optional<warden::AttemptResult> result)
      : phase_(phase), operation_(operation), result_(result) {}

  bool MatchAndExplain(const warden::Attempt& attempt, MatchResultListener*) const override {
    return attempt.phase == phase_ && attempt.operation == operation_ &&
           attempt.result == result_.value_or(attempt.result);
  }
  void DescribeTo(std::ostream* out) const override {
    *out << "is '" << phase_ << ' ' << operation_;
    if (result_.has_value()) *out << ": " << *result_;
    *out << "'";
  }

 private:
  warden::AttemptPhase phase_;
  warden::AttemptOperation operation_;
  std::optional<warden::AttemptResult> result_;
};

}  // namespace
}  // namespace internal

using ::testing::MakePolymorphicMatcher;

::testing::PolymorphicMatcher<internal::ExitedWithMatcher> ExitedWith(::testing::Matcher<int> code) {
  return MakePolymorphicMatcher(internal::ExitedWithMatcher(std::move(code)));
}

::testing::PolymorphicMatcher<internal::KilledByMatcher> KilledBy(warden::Signal signal) {
  return MakePolymorphicMatcher(internal::KilledByMatcher(signal));
}

::testing::PolymorphicMatcher<internal::EndedInPhaseMatcher> EndedInPhase(warden::AttemptPhase phase) {
  return MakePolymorphicMatcher(internal::EndedInPhaseMatcher(phase));
}

::testing::PolymorphicMatcher<internal::HasAttemptMatcher> HasAttempt(warden::AttemptPhase phase,
                                                                      warden::AttemptOperation operation,
                                                                      std::optional<warden::AttemptResult> result) {
  return HasAttempt(::testing::MakeMatcher(new internal::AttemptIs(phase, operation, result)));
}

::testing::PolymorphicMatcher<internal::HasAttemptMatcher> HasAttempt(
    ::testing::Matcher<const warden::Attempt&> attempt) {
  return MakePolymorphicMatcher(internal::HasAttemptMatcher(std::move(attempt)));
}

}  // namespace warden_testing
