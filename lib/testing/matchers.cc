#include "warden/testing/matchers.h"

#include <cstddef>

namespace warden::testing {
namespace internal {
namespace {

constexpr const char* kNotEnded = "which has not ended";

template <class Part>
Found<Part> part_of(const std::optional<warden::TerminationReport>& report, Part warden::TerminationReport::*part) {
  if (!report.has_value()) return {std::nullopt, "which was not terminated"};
  return {(*report).*part};
}

}  // namespace

using warden::AttemptLog;
using warden::AttemptPhase;
using warden::ExitStatus;
using warden::TerminationReport;

Found<ExitStatus> find(OfStatus, const ExitStatus& status) { return {status}; }
Found<ExitStatus> find(OfStatus, const std::optional<ExitStatus>& status) { return {status, kNotEnded}; }
Found<ExitStatus> find(OfStatus, const TerminationReport& report) { return {report.status}; }
Found<ExitStatus> find(OfStatus, const warden::WaitOrTerminateResult& result) { return {result.status}; }
Found<ExitStatus> find(OfStatus, const warden::RunResult& result) { return {result.status}; }
Found<ExitStatus> find(OfStatus, const warden::ProcessState& state) { return {state.status, kNotEnded}; }
Found<ExitStatus> find(OfStatus, const warden::Readiness& readiness) { return {readiness.status, kNotEnded}; }

Found<AttemptPhase> find(OfPhase, const TerminationReport& report) { return {report.ended_by}; }
Found<AttemptPhase> find(OfPhase, const warden::WaitOrTerminateResult& result) {
  return part_of(result.termination, &TerminationReport::ended_by);
}
Found<AttemptPhase> find(OfPhase, const warden::RunResult& result) {
  return part_of(result.termination, &TerminationReport::ended_by);
}

Found<AttemptLog> find(OfLog, const AttemptLog& log) { return {log}; }
Found<AttemptLog> find(OfLog, const TerminationReport& report) { return {report.attempts}; }
Found<AttemptLog> find(OfLog, const warden::TerminationError& error) { return {error.attempts}; }
Found<AttemptLog> find(OfLog, const warden::WaitOrTerminateResult& result) {
  return part_of(result.termination, &TerminationReport::attempts);
}
Found<AttemptLog> find(OfLog, const warden::WaitOrTerminateError& error) {
  if (error.termination_error.has_value()) return {error.termination_error->attempts};
  return part_of(error.termination, &TerminationReport::attempts);
}
Found<AttemptLog> find(OfLog, const warden::RunResult& result) {
  return part_of(result.termination, &TerminationReport::attempts);
}
Found<AttemptLog> find(OfLog of, const warden::RunError& error) {
  if (error.termination_error.has_value()) return {error.termination_error->attempts};
  if (error.wait_error.has_value()) return find(of, *error.wait_error);
  return part_of(error.termination, &TerminationReport::attempts);
}
Found<AttemptLog> find(OfLog, const ExitStatus&) { return {std::nullopt, "which has no log"}; }

}  // namespace internal

namespace {

using ::testing::Matcher;
using ::testing::MatchResultListener;
using warden::Attempt;

class ExitedWithMatcher : public ::testing::MatcherInterface<const warden::ExitStatus&> {
 public:
  explicit ExitedWithMatcher(Matcher<int> code) : code_(std::move(code)) {}

  bool MatchAndExplain(const warden::ExitStatus& status, MatchResultListener* listener) const override {
    const std::optional<int> code = status.exit_code();
    if (code.has_value()) return code_.MatchAndExplain(*code, listener);
    *listener << "which has no exit code: " << status;
    return false;
  }
  void DescribeTo(std::ostream* out) const override {
    *out << "exited with a code that ";
    code_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const override {
    *out << "did not exit with a code that ";
    code_.DescribeTo(out);
  }

 private:
  Matcher<int> code_;
};

class KilledByMatcher : public ::testing::MatcherInterface<const warden::ExitStatus&> {
 public:
  explicit KilledByMatcher(warden::Signal signal) : signal_(signal) {}

  bool MatchAndExplain(const warden::ExitStatus& status, MatchResultListener* listener) const override {
    if (!status.signal().has_value()) *listener << "which no signal has killed: " << status;
    return status.signal() == signal_;
  }
  void DescribeTo(std::ostream* out) const override { *out << "was killed by " << signal_; }
  void DescribeNegationTo(std::ostream* out) const override { *out << "was not killed by " << signal_; }

 private:
  warden::Signal signal_;
};

class PhaseIs : public ::testing::MatcherInterface<const warden::AttemptPhase&> {
 public:
  explicit PhaseIs(warden::AttemptPhase phase) : phase_(phase) {}

  bool MatchAndExplain(const warden::AttemptPhase& phase, MatchResultListener* listener) const override {
    *listener << "which ended in phase " << phase;
    return phase == phase_;
  }
  void DescribeTo(std::ostream* out) const override { *out << "ended in phase " << phase_; }
  void DescribeNegationTo(std::ostream* out) const override { *out << "did not end in phase " << phase_; }

 private:
  warden::AttemptPhase phase_;
};

class LogHas : public ::testing::MatcherInterface<const warden::AttemptLog&> {
 public:
  explicit LogHas(Matcher<const Attempt&> attempt) : attempt_(std::move(attempt)) {}

  bool MatchAndExplain(const warden::AttemptLog& log, MatchResultListener* listener) const override {
    for (std::size_t i = 0; i < log.size(); ++i) {
      if (!attempt_.Matches(log[i])) continue;
      *listener << "whose attempt [" << i + 1 << "] is: " << log[i];
      return true;
    }
    *listener << "none of whose " << log.size() << " attempts is";
    return false;
  }
  void DescribeTo(std::ostream* out) const override {
    *out << "has an attempt that ";
    attempt_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const override {
    *out << "has no attempt that ";
    attempt_.DescribeTo(out);
  }

 private:
  Matcher<const Attempt&> attempt_;
};

class AttemptIs : public ::testing::MatcherInterface<const Attempt&> {
 public:
  AttemptIs(warden::AttemptPhase phase, warden::AttemptOperation operation, std::optional<warden::AttemptResult> result)
      : phase_(phase), operation_(operation), result_(result) {}

  bool MatchAndExplain(const Attempt& attempt, MatchResultListener*) const override {
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

// Makes a matcher of values from a new criterion for one part of a value.
template <class Part>
::testing::PolymorphicMatcher<PartMatcher<Part>> matcher(::testing::MatcherInterface<const Part&>* criterion) {
  return ::testing::MakePolymorphicMatcher(PartMatcher<Part>(::testing::MakeMatcher(criterion)));
}

}  // namespace

StatusMatcher ExitedWith(Matcher<int> code) {
  return matcher<warden::ExitStatus>(new ExitedWithMatcher(std::move(code)));
}

StatusMatcher KilledBy(warden::Signal signal) { return matcher<warden::ExitStatus>(new KilledByMatcher(signal)); }

PhaseMatcher EndedInPhase(warden::AttemptPhase phase) { return matcher<warden::AttemptPhase>(new PhaseIs(phase)); }

LogMatcher HasAttempt(warden::AttemptPhase phase, warden::AttemptOperation operation,
                      std::optional<warden::AttemptResult> result) {
  return HasAttempt(::testing::MakeMatcher(new AttemptIs(phase, operation, result)));
}

LogMatcher HasAttempt(Matcher<const Attempt&> attempt) {
  return matcher<warden::AttemptLog>(new LogHas(std::move(attempt)));
}

}  // namespace warden::testing
