// A start that fails is one failure of the test, which says why, whatever the test does with the result.
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/testing/fixture_probe.h"
#include "warden/testing/matchers.h"
#include "warden/testing/scoped_child.h"

namespace warden::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::NotNull;
using warden::Child;
using warden::Command;
using warden::test_support::test_command;

const Command kNone("/no/such/program");

auto the_reason() { return AllOf(HasSubstr("could not start"), HasSubstr("No such file or directory")); }

TEST(FailedStart, IsOneFailureOfTheAssertion) {
  Fixture fixture;
  EXPECT_THAT(failures_of([&] {
                const auto child = fixture.spawn(kNone);
                ASSERT_TRUE(child);
                ADD_FAILURE() << "the test goes on";
              }),
              ElementsAre(AllOf(HasSubstr("Value of: child"), the_reason())));
  EXPECT_THAT(failures_of([&] { ASSERT_NE(fixture.spawn(kNone), nullptr); }), ElementsAre(the_reason()));
  EXPECT_THAT(failures_of([&] { ASSERT_THAT(fixture.spawn(kNone), NotNull()); }), ElementsAre(the_reason()));
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(kNone);
                ASSERT_TRUE(child.ok());
                ADD_FAILURE() << "the test goes on";
              }),
              ElementsAre(AllOf(HasSubstr("Value of: child.ok()"), the_reason())));
}

TEST(FailedStart, IsOneFailureOfATestThatAssertsNothing) {
  Fixture fixture;
  EXPECT_THAT(failures_of([&] { fixture.spawn(kNone); }), ElementsAre(the_reason()));
  EXPECT_THAT(failures_of([&] { EXPECT_FALSE(fixture.spawn(kNone)); }), ElementsAre(the_reason()));
  EXPECT_THAT(failures_of([&] { const ScopedChild child(kNone); }), ElementsAre(the_reason()));
  EXPECT_THAT(failures_of([&] {
                const auto child = fixture.spawn(kNone);
                if (!child || child == nullptr) return;
                ADD_FAILURE() << "the test goes on";
              }),
              ElementsAre(the_reason()));
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(kNone);
                if (!child.ok()) return;
                ADD_FAILURE() << "the test goes on";
              }),
              ElementsAre(the_reason()));
}

TEST(FailedStart, IsAFailureBeforeItsPointerIsUsed) {
  Fixture fixture;
  for (const bool is_scoped : {false, true}) {
    EXPECT_THAT(failures_of([&] {
                  const auto child = fixture.spawn(kNone);
                  const ScopedChild scoped(kNone);
                  Child* const pointer = is_scoped ? scoped.get() : child;
                  EXPECT_EQ(pointer, nullptr);
                  ADD_FAILURE() << "afterwards";
                }),
                ElementsAre(the_reason(), HasSubstr("afterwards"), the_reason()));
  }
}

TEST(FailedStart, GoesWithTheResultOfAFunction) {
  Fixture fixture;
  const auto start = [&fixture] {
    auto child = fixture.spawn(kNone);
    auto moved = std::move(child);
    return moved;
  };
  EXPECT_THAT(failures_of([&] { ASSERT_TRUE(start()); }), ElementsAre(the_reason()));
  EXPECT_THAT(failures_of([&] { start(); }), ElementsAre(the_reason()));
}

TEST(SuccessfulStart, IsUsedLikeAPointer) {
  Fixture fixture;
  const auto child = fixture.spawn(test_command({"sleep"}));
  ASSERT_TRUE(child);
  EXPECT_NE(child, nullptr);
  EXPECT_FALSE(child == nullptr);
  Child* const pointer = child;
  EXPECT_EQ(child->pid(), pointer->pid());
  EXPECT_EQ((*child).name(), "sleep");
  EXPECT_THAT(::testing::PrintToString(child), HasSubstr("child 'sleep' (pid "));
  EXPECT_THAT(failures_of([&] { EXPECT_FALSE(child); }), ElementsAre(HasSubstr("Actual: true")));
}

}  // namespace
}  // namespace warden::testing
