#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "warden/testing/child_fixture.h"
#include "warden/testing/matchers.h"

namespace {

class Sleeper : public warden::testing::ChildFixture {};

TEST_F(Sleeper, IsEndedByATest) {
  const warden::testing::StartedChild sleeper = spawn(warden::Command("sleep").arg("600"));
  ASSERT_TRUE(sleeper);
  EXPECT_THAT(sleeper->kill(), warden::testing::KilledBy(warden::Signal::kill()));
}

}  // namespace
