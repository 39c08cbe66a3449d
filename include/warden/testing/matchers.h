// Matchers for how a child ended and for what was tried to end it.
//
// Example:
//   EXPECT_THAT(child->wait(), warden_testing::ExitedWith(0));
//   EXPECT_THAT(child->kill(), warden_testing::KilledBy(warden::Signal::kill()));
//   EXPECT_THAT(child->terminate_with_report(policy), warden_testing::EndedInPhase(warden::AttemptPhase::kTerminate));
//
// Each takes a plain value, and a Result of it: an error does not match, and is printed with everything that was tried.
// They are for EXPECT_THAT of "gmock/gmock.h".
#ifndef WARDEN_TESTING_MATCHERS_H_
#define WARDEN_TESTING_MATCHERS_H_

#include <iosfwd>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "gtest/gtest-matchers.h"
#include "warden/testing/printers.h"
#include "warden/warden.h"

namespace warden_testing {

namespace internal {

template <class T, class E, class P>
using AnyResult = BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, E, P>;

// A part of a value, or why it has none.
template <class Part>
struct Found {
  std::optional<Part> part;
  std::string why_not = {};
};

using FoundStatus = Found<warden::ExitStatus>;
FoundStatus status_of(const warden::ExitStatus& status);
FoundStatus status_of(const std::optional<warden::ExitStatus>& status);
FoundStatus status_of(const warden::TerminationReport& report);
FoundStatus status_of(const warden::WaitOrTerminateResult& result);
FoundStatus status_of(const warden::RunResult& result);
FoundStatus status_of(const warden::ProcessState& state);
FoundStatus status_of(const warden::Readiness& readiness);
template <class T, class E, class P>
FoundStatus status_of(const AnyResult<T, E, P>& result) {
  if (!result.has_value()) return {std::nullopt, "which is an error"};
  return status_of(result.assume_value());
}

using FoundPhase = Found<warden::AttemptPhase>;
FoundPhase phase_of(const warden::TerminationReport& report);
FoundPhase phase_of(const warden::WaitOrTerminateResult& result);
FoundPhase phase_of(const warden::RunResult& result);
template <class T, class E, class P>
FoundPhase phase_of(const AnyResult<T, E, P>& result) {
  if (!result.has_value()) return {std::nullopt, "which is an error"};
  return phase_of(result.assume_value());
}

using FoundLog = Found<warden::AttemptLog>;
FoundLog log_of(const warden::AttemptLog& log);
FoundLog log_of(const warden::TerminationReport& report);
FoundLog log_of(const warden::TerminationError& error);
FoundLog log_of(const warden::WaitOrTerminateResult& result);
FoundLog log_of(const warden::WaitOrTerminateError& error);
FoundLog log_of(const warden::RunResult& result);
FoundLog log_of(const warden::RunError& error);
FoundLog log_of(const warden::ExitStatus& status);  // none: a success of terminate() or kill()
template <class T, class E, class P>
FoundLog log_of(const AnyResult<T, E, P>& result) {
  if (!result.has_value()) return log_of(result.assume_error());
  if constexpr (std::is_void_v<T>) {
    return {std::nullopt, "which has no log"};
  } else {
    return log_of(result.assume_value());
  }
}

class ExitedWithMatcher {
 public:
  explicit ExitedWithMatcher(::testing::Matcher<int> code) : code_(std::move(code)) {}
  template <class T>
  bool MatchAndExplain(const T& value, ::testing::MatchResultListener* listener) const {
    return matches(status_of(value), listener);
  }
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  bool matches(const FoundStatus& found, ::testing::MatchResultListener* listener) const;
  ::testing::Matcher<int> code_;
};

class KilledByMatcher {
 public:
  explicit KilledByMatcher(warden::Signal signal) : signal_(signal) {}
  template <class T>
  bool MatchAndExplain(const T& value, ::testing::MatchResultListener* listener) const {
    return matches(status_of(value), listener);
  }
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  bool matches(const FoundStatus& found, ::testing::MatchResultListener* listener) const;
  warden::Signal signal_;
};

class EndedInPhaseMatcher {
 public:
  explicit EndedInPhaseMatcher(warden::AttemptPhase phase) : phase_(phase) {}
  template <class T>
  bool MatchAndExplain(const T& value, ::testing::MatchResultListener* listener) const {
    return matches(phase_of(value), listener);
  }
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  bool matches(const FoundPhase& found, ::testing::MatchResultListener* listener) const;
  warden::AttemptPhase phase_;
};

class HasAttemptMatcher {
 public:
  explicit HasAttemptMatcher(::testing::Matcher<const warden::Attempt&> attempt) : attempt_(std::move(attempt)) {}
  template <class T>
  bool MatchAndExplain(const T& value, ::testing::MatchResultListener* listener) const {
    return matches(log_of(value), listener);
  }
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  bool matches(const FoundLog& found, ::testing::MatchResultListener* listener) const;
  ::testing::Matcher<const warden::Attempt&> attempt_;
};

}  // namespace internal

// It exited with this code, or one that the matcher takes: ExitedWith(0), ExitedWith(::testing::Ne(0)). A death by a
// signal has no code. Takes an ExitStatus, an optional one (an empty one has not ended), and what has one: a
// TerminationReport, WaitOrTerminateResult, RunResult, ProcessState, Readiness.
::testing::PolymorphicMatcher<internal::ExitedWithMatcher> ExitedWith(::testing::Matcher<int> code);

// A signal ended it, and this one. Takes what ExitedWith takes.
::testing::PolymorphicMatcher<internal::KilledByMatcher> KilledBy(warden::Signal signal);

// The last of its group went in this phase. Takes a TerminationReport, and a WaitOrTerminateResult or RunResult, which
// does not match when nothing had to be terminated.
::testing::PolymorphicMatcher<internal::EndedInPhaseMatcher> EndedInPhase(warden::AttemptPhase phase);

// The log has an attempt of this phase and operation, with this result if one is given. Takes an AttemptLog and what
// has one: a TerminationReport, a TerminationError, the results and errors of wait_or_terminate, a RunResult. Of a
// Result both sides are looked at. A plain ExitStatus has no log and never matches: see terminate_with_report().
::testing::PolymorphicMatcher<internal::HasAttemptMatcher> HasAttempt(
    warden::AttemptPhase phase, warden::AttemptOperation operation,
    std::optional<warden::AttemptResult> result = std::nullopt);
// The same with any matcher: HasAttempt(::testing::Field(&warden::Attempt::signal, warden::Signal::terminate())).
::testing::PolymorphicMatcher<internal::HasAttemptMatcher> HasAttempt(
    ::testing::Matcher<const warden::Attempt&> attempt);

}  // namespace warden_testing

#endif  // WARDEN_TESTING_MATCHERS_H_
