// What a Function is made from, and when it is empty.
#include "warden/function.h"

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "gtest/gtest.h"

namespace warden {
namespace {

using Twice = Function<int(int)>;

int twice(int value) { return 2 * value; }

struct Doubler {
  int factor = 2;
  int by(int value) const { return factor * value; }
  int operator()(int value) const { return by(value); }
};

TEST(FunctionTest, IsMadeFromWhateverCanBeCalledSo) {
  EXPECT_EQ(Twice(twice)(3), 6);
  EXPECT_EQ(Twice(&twice)(3), 6);
  EXPECT_EQ(Twice(Doubler())(3), 6);
  EXPECT_EQ(Twice([](int value) { return 2 * value; })(3), 6);
  EXPECT_EQ(Twice([](long value) { return 2 * value; })(3), 6);
  EXPECT_EQ(Twice(std::function<int(int)>(twice))(3), 6);
  int calls = 0;
  const Function<void(int)> ignores_the_result = [&calls](int value) { return calls += value; };
  ignores_the_result(3);
  EXPECT_EQ(calls, 3);
  const Function<int(const Doubler&, int)> member = &Doubler::by;
  EXPECT_EQ(member(Doubler(), 3), 6);
}

TEST(FunctionTest, CanBeCopiedThoughItsCallableCanOnlyBeMoved) {
  const Twice first = [factor = std::make_unique<int>(1)](int value) { return ++*factor * value; };
  const Twice second = first;
  EXPECT_EQ(first(3), 6);
  EXPECT_EQ(second(3), 9) << "both have the same callable";
}

TEST(FunctionTest, CopiesWhatCanBeCopied) {
  const Twice first = [factor = 1](int value) mutable { return ++factor * value; };
  const Twice second = first;
  EXPECT_EQ(first(3), 6);
  EXPECT_EQ(second(3), 6);
}

struct MovableOnly {
  explicit MovableOnly(bool is_there) : there(is_there ? std::make_unique<int>(2) : nullptr) {}
  explicit operator bool() const { return there != nullptr; }
  int operator()(int value) const { return *there * value; }
  std::unique_ptr<int> there;
};

TEST(FunctionTest, IsEmptyWhereItsSourceIs) {
  int (*const no_function)(int) = nullptr;
  int (Doubler::*const no_member)(int) const = nullptr;
  EXPECT_FALSE(Twice());
  EXPECT_FALSE(Twice(nullptr));
  EXPECT_FALSE(Twice(no_function));
  EXPECT_FALSE((Function<int(const Doubler&, int)>(no_member)));
  EXPECT_FALSE(Twice(std::function<int(int)>()));
  EXPECT_FALSE(Twice(Function<long(int)>()));
  EXPECT_FALSE(Twice(MovableOnly(false)));
  EXPECT_TRUE(Twice(MovableOnly(true)));
  EXPECT_TRUE(Twice(twice));
}

TEST(FunctionTest, PassesMovableArgumentsOn) {
  const Function<std::string(std::unique_ptr<std::string>)> unwrap = [](std::unique_ptr<std::string> text) {
    return *text;
  };
  EXPECT_EQ(unwrap(std::make_unique<std::string>("text")), "text");
}

static_assert(!std::is_constructible_v<Twice, int>);
static_assert(!std::is_constructible_v<Twice, std::string (*)(int)>);
static_assert(!std::is_constructible_v<Twice, int (*)(std::string)>);

}  // namespace
}  // namespace warden
