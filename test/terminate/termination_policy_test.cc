#include "warden/termination_policy.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace warden {
namespace {

Signal signal(int number) { return Signal::from_number(number).value(); }

TEST(TerminationPolicyTest, InterruptFirstIsTheLadderOfThree) {
  const auto policy = TerminationPolicy::interrupt_first(absl::Seconds(1), absl::Seconds(5));
  ASSERT_EQ(policy.phases.size(), 2u);
  EXPECT_EQ(policy.phases[0].signal, Signal::interrupt());
  EXPECT_EQ(policy.phases[0].timeout, absl::Seconds(1));
  EXPECT_EQ(policy.phases[0].target, AttemptTarget::kGroup);
  EXPECT_EQ(policy.phases[1].signal, Signal::terminate());
  EXPECT_EQ(policy.phases[1].timeout, absl::Seconds(5));
  EXPECT_EQ(policy.phases[1].target, AttemptTarget::kGroup);
}

TEST(TerminationPolicyTest, ServiceBeginsWithTerminate) {
  const auto policy = TerminationPolicy::service(absl::Seconds(5));
  ASSERT_EQ(policy.phases.size(), 1u);
  EXPECT_EQ(policy.phases[0].signal, Signal::terminate());
  EXPECT_EQ(policy.phases[0].timeout, absl::Seconds(5));
  EXPECT_EQ(policy.phases[0].target, AttemptTarget::kGroup);
}

TEST(TerminationPolicyTest, LeaderFirstAsksTheLeaderAloneAndThenTheGroup) {
  const auto policy = TerminationPolicy::leader_first(absl::Seconds(2), absl::Seconds(3));
  ASSERT_EQ(policy.phases.size(), 2u);
  EXPECT_EQ(policy.phases[0].signal, Signal::terminate());
  EXPECT_EQ(policy.phases[0].timeout, absl::Seconds(2));
  EXPECT_EQ(policy.phases[0].target, AttemptTarget::kLeader);
  EXPECT_EQ(policy.phases[1].signal, Signal::terminate());
  EXPECT_EQ(policy.phases[1].timeout, absl::Seconds(3));
  EXPECT_EQ(policy.phases[1].target, AttemptTarget::kGroup);
  EXPECT_FALSE(policy.leader_only);
}

TEST(TerminationPolicyTest, ImmediateHasNoPhase) { EXPECT_TRUE(TerminationPolicy::immediate().phases.empty()); }

TEST(TerminationPolicyTest, BoundsHaveTheirDocumentedDefaults) {
  const TerminationPolicy policy;
  EXPECT_EQ(policy.kill_timeout, absl::Seconds(3));
  EXPECT_EQ(policy.failed_send_grace, absl::Milliseconds(100));
  EXPECT_FALSE(policy.leader_only);
}

TEST(TerminationPolicyTest, NamedPoliciesAreValidForEveryDurationThatIsNotNegative) {
  for (const absl::Duration d :
       {absl::ZeroDuration(), absl::Nanoseconds(1) / 4, absl::Seconds(1), absl::InfiniteDuration()}) {
    EXPECT_FALSE(TerminationPolicy::interrupt_first(d, d).validate().has_value()) << d;
    EXPECT_FALSE(TerminationPolicy::service(d).validate().has_value()) << d;
    EXPECT_FALSE(TerminationPolicy::leader_first(d, d).validate().has_value()) << d;
  }
  EXPECT_FALSE(TerminationPolicy::immediate().validate().has_value());
}

TEST(TerminationPolicyTest, NegativeDurationIsRefusedWithItsPlaceAndValue) {
  for (const absl::Duration d : {-absl::Nanoseconds(1) / 4, -absl::Seconds(1), -absl::InfiniteDuration()}) {
    const struct {
      TerminationPolicy policy;
      const char* field;
    } rows[] = {{TerminationPolicy::interrupt_first(d, absl::Seconds(1)), "phases[0].timeout"},
                {TerminationPolicy::interrupt_first(absl::Seconds(1), d), "phases[1].timeout"},
                {[d] {
                   TerminationPolicy p;
                   p.kill_timeout = d;
                   return p;
                 }(),
                 "kill_timeout"},
                {[d] {
                   TerminationPolicy p;
                   p.failed_send_grace = d;
                   return p;
                 }(),
                 "failed_send_grace"}};
    for (const auto& [policy, field] : rows) {
      const auto error = policy.validate();
      ASSERT_TRUE(error.has_value()) << field;
      EXPECT_EQ(error->field, field);
      EXPECT_EQ(error->value, absl::FormatDuration(d));
    }
  }
}

TEST(TerminationPolicyTest, SignalsThatEndNothingOrAreNotOursAreRefused) {
  const auto is_refused = [](int number) {
    for (const int refused : {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGKILL, 32, 33}) {
      if (number == refused) return true;
    }
    return false;
  };
  for (int number = 1; number <= 64; ++number) {
    TerminationPolicy policy = TerminationPolicy::service(absl::Seconds(1));
    policy.phases.push_back({signal(number), absl::Seconds(1)});
    const auto error = policy.validate();
    ASSERT_EQ(error.has_value(), is_refused(number)) << number;
    if (!error.has_value()) continue;
    EXPECT_EQ(error->field, "phases[1].signal");
    EXPECT_EQ(error->value, signal(number).name());
  }
}

TEST(TerminationPolicyTest, FirstMistakeIsNamed) {
  TerminationPolicy policy;
  policy.phases = {{Signal::terminate(), -absl::Seconds(1)}, {Signal::stop(), absl::Seconds(1)}};
  EXPECT_EQ(policy.validate()->field, "phases[0].timeout");
}

}  // namespace
}  // namespace warden
