// Matchers for how a child ended and for what was tried to end it.
//
// Example:
//   EXPECT_THAT(child->wait(), warden::testing::ExitedWith(0));
//   EXPECT_THAT(child->kill(), warden::testing::KilledBy(warden::Signal::kill()));
//   EXPECT_THAT(child->terminate_with_report(policy), warden::testing::EndedInPhase(warden::AttemptPhase::kTerminate));
//
// Each takes a plain value or a Result of one. An error matches none but HasAttempt, and GoogleTest prints it with
// every attempt. Use the matchers with EXPECT_THAT of "gmock/gmock.h".
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

namespace warden::testing {

namespace internal {

// A part of a value, or why the value has none.
template <class Part>
struct Found {
  std::optional<Part> part;
  std::string why_not = {};
};

template <class Part>
struct Of {};
using OfStatus = Of<warden::ExitStatus>;
using OfPhase = Of<warden::AttemptPhase>;
using OfLog = Of<warden::AttemptLog>;

Found<warden::ExitStatus> find(OfStatus, const warden::ExitStatus& status);
Found<warden::ExitStatus> find(OfStatus, const std::optional<warden::ExitStatus>& status);
Found<warden::ExitStatus> find(OfStatus, const warden::TerminationReport& report);
Found<warden::ExitStatus> find(OfStatus, const warden::WaitOrTerminateResult& result);
Found<warden::ExitStatus> find(OfStatus, const warden::RunResult& result);
Found<warden::ExitStatus> find(OfStatus, const warden::ProcessState& state);
Found<warden::ExitStatus> find(OfStatus, const warden::Readiness& readiness);

Found<warden::AttemptPhase> find(OfPhase, const warden::TerminationReport& report);
Found<warden::AttemptPhase> find(OfPhase, const warden::WaitOrTerminateResult& result);
Found<warden::AttemptPhase> find(OfPhase, const warden::RunResult& result);

Found<warden::AttemptLog> find(OfLog, const warden::AttemptLog& log);
Found<warden::AttemptLog> find(OfLog, const warden::TerminationReport& report);
Found<warden::AttemptLog> find(OfLog, const warden::TerminationError& error);
Found<warden::AttemptLog> find(OfLog, const warden::WaitOrTerminateResult& result);
Found<warden::AttemptLog> find(OfLog, const warden::WaitOrTerminateError& error);
Found<warden::AttemptLog> find(OfLog, const warden::RunResult& result);
Found<warden::AttemptLog> find(OfLog, const warden::RunError& error);
Found<warden::AttemptLog> find(OfLog, const warden::ExitStatus& status);  // none

// Finds only the log in an error, and any part in a value.
template <class Part, class T, class E, class P>
Found<Part> find(Of<Part> of, const BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, E, P>& result) {
  if (!result.has_value()) {
    if constexpr (std::is_same_v<Part, warden::AttemptLog>) return find(of, result.assume_error());
    return {std::nullopt, "which is an error"};
  }
  if constexpr (std::is_void_v<T>) {
    return {std::nullopt, "which has no log"};
  } else {
    return find(of, result.assume_value());
  }
}

}  // namespace internal

// Matches a value by a part of it: by its status, phase or log. Made by the functions below.
template <class Part>
class PartMatcher {
 public:
  explicit PartMatcher(::testing::Matcher<const Part&> matcher) : matcher_(std::move(matcher)) {}

  template <class T>
  bool MatchAndExplain(const T& value, ::testing::MatchResultListener* listener) const {
    const auto found = find(internal::Of<Part>(), value);
    if (found.part.has_value()) return matcher_.MatchAndExplain(*found.part, listener);
    *listener << found.why_not;
    return false;
  }
  void DescribeTo(std::ostream* out) const { matcher_.DescribeTo(out); }
  void DescribeNegationTo(std::ostream* out) const { matcher_.DescribeNegationTo(out); }

 private:
  ::testing::Matcher<const Part&> matcher_;
};

using StatusMatcher = ::testing::PolymorphicMatcher<PartMatcher<warden::ExitStatus>>;
using PhaseMatcher = ::testing::PolymorphicMatcher<PartMatcher<warden::AttemptPhase>>;
using LogMatcher = ::testing::PolymorphicMatcher<PartMatcher<warden::AttemptLog>>;

// Matches an exit with this code, or with one that the matcher accepts: ExitedWith(0), ExitedWith(::testing::Ne(0)). A
// death by a signal has no code. Takes an ExitStatus, an optional one (empty: the child has not ended), and a value
// that has one: a TerminationReport, WaitOrTerminateResult, RunResult, ProcessState, Readiness.
StatusMatcher ExitedWith(::testing::Matcher<int> code);

// Matches a death by this signal. Takes what ExitedWith takes.
StatusMatcher KilledBy(warden::Signal signal);

// Matches when the last process of the child's group ended in this phase. Takes a TerminationReport, and a
// WaitOrTerminateResult or RunResult, which does not match when the child was not terminated.
PhaseMatcher EndedInPhase(warden::AttemptPhase phase);

// Matches a log with an attempt of this phase and operation, and with this result if one is given. Takes an AttemptLog
// and a value that has one: a TerminationReport, a TerminationError, the results and errors of wait_or_terminate, a
// RunResult. Looks at both sides of a Result. A plain ExitStatus has no log and never matches: see
// terminate_with_report().
LogMatcher HasAttempt(warden::AttemptPhase phase, warden::AttemptOperation operation,
                      std::optional<warden::AttemptResult> result = std::nullopt);
// The same with any matcher: HasAttempt(::testing::Field(&warden::Attempt::signal, warden::Signal::terminate())).
LogMatcher HasAttempt(::testing::Matcher<const warden::Attempt&> attempt);

}  // namespace warden::testing

#endif  // WARDEN_TESTING_MATCHERS_H_
