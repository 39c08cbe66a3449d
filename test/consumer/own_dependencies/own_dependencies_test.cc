// warden uses this project's own Abseil, Boost and GoogleTest. Each of them defines a function here that the one of
// warden_deps() does not have.
#include <string_view>

#include "gtest/gtest.h"
#include "warden/warden.h"

namespace mine {

std::string_view abseil();
std::string_view process();
std::string_view outcome();
std::string_view googletest();

}  // namespace mine

namespace {

TEST(OwnDependencies, AreThoseThatWardenUses) {
  EXPECT_EQ(mine::abseil(), "my own Abseil");
  EXPECT_EQ(mine::process(), "my own Boost.Process");
  EXPECT_EQ(mine::outcome(), "my own Boost.Outcome");
  EXPECT_EQ(mine::googletest(), "my own GoogleTest");

  const auto done = warden::require_success(warden::run(warden::Command("true")));
  EXPECT_TRUE(done.has_value()) << done.error();
}

}  // namespace
