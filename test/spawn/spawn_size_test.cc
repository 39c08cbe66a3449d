// Arguments and environments close to the largest that the kernel takes: a spawn passes the largest on whole, and one
// byte more is an error that says so. The border differs between kernels and limits, so a plain posix_spawn(3) finds
// it.
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLongestString = 32 * kPage;  // with its NUL: MAX_ARG_STRLEN of linux/binfmts.h
const char* const kProgram = "/bin/true";

using Strings = std::vector<std::string>;

std::vector<char*> pointers_to(Strings& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Returns the kernel's error for these, without the library.
int error_of_plain_spawn(Strings arguments, Strings environment) {
  arguments.insert(arguments.begin(), kProgram);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, kProgram, nullptr, nullptr, pointers_to(arguments).data(), pointers_to(environment).data());
  if (error == 0) ::waitpid(pid, nullptr, 0);
  return error;
}

Command command_of(const Strings& arguments, const Strings& environment) {
  Command command(kProgram);
  command.args(arguments).clear_env();
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    command.env(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return command;
}

void expect_started(const Command& command) {
  Result<Child, SpawnError> child = Child::spawn(command);
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_TRUE(child.value().wait().value().success());
}

void expect_too_big(const Command& command) {
  const SpawnError error = error_of(command);
  EXPECT_EQ(error.step, SpawnError::Step::kExec) << error;
  EXPECT_EQ(error.code, std::errc::argument_list_too_long) << error;
  EXPECT_EQ(error.subject, command.program());
  EXPECT_LT(error.to_string().size(), 200u);  // the text does not contain them
}

// Returns strings of that many bytes in all, with their NULs, none too long by itself.
Strings strings_of(std::size_t size) {
  Strings strings;
  for (std::size_t i = 0; size > 0; ++i) {
    const std::string name = "V" + std::to_string(i) + "=";
    const std::size_t some = std::min(size, kLongestString / 2);
    const std::size_t least = name.size() + 1;
    if (some < least) break;
    strings.push_back(name + std::string(some - least, 'x'));
    size -= some;
  }
  return strings;
}

enum class Where { kArguments, kEnvironment };

struct Lists {
  Strings arguments, environment;
};

Lists lists_of(std::size_t size, Where where) {
  if (where == Where::kArguments) return {strings_of(size), {"A=1"}};
  return {{"argument"}, strings_of(size)};
}

// Returns the largest number of bytes that the kernel takes.
std::size_t find_border(Where where) {
  std::size_t taken = kLongestString / 2, refused = 8u << 20;
  while (refused - taken > 1) {
    const std::size_t middle = taken + (refused - taken) / 2;
    const Lists lists = lists_of(middle, where);
    (error_of_plain_spawn(lists.arguments, lists.environment) == 0 ? taken : refused) = middle;
  }
  return taken;
}

void expect_a_border(Where where) {
  const std::size_t border = find_border(where);
  const Lists most = lists_of(border, where);
  expect_started(command_of(most.arguments, most.environment));
  const Lists too_many = lists_of(border + 1, where);
  expect_too_big(command_of(too_many.arguments, too_many.environment));
}

class AtTheBorder : public ::testing::TestWithParam<Where> {};

TEST_P(AtTheBorder, WhatTheKernelTakesIsStartedAndOneByteMoreIsAnError) {
  // The kernel takes a quarter of the stack's limit, but at least 128 KiB and at most 6 MiB.
  for (const rlim_t stack : {rlim_t{256} << 10, rlim_t{8} << 20, rlim_t{64} << 20}) {
    run_isolated_unchecked([stack] {
      struct rlimit limit = {};
      ::getrlimit(RLIMIT_STACK, &limit);
      limit.rlim_cur = stack;
      ASSERT_EQ(::setrlimit(RLIMIT_STACK, &limit), 0);
      check_leaves_nothing([] { expect_a_border(GetParam()); });
    });
  }
}

// The child's limit counts, not the host's.
TEST_P(AtTheBorder, ALimitOfTheCommandMovesIt) {
  run_isolated([] {
    const Lists lists = lists_of(1u << 20, GetParam());
    const Command command = command_of(lists.arguments, lists.environment);
    expect_started(command);
    Command limited = command;
    expect_too_big(limited.limit({RLIMIT_STACK, 1u << 20, 1u << 20}));
  });
}

INSTANTIATE_TEST_SUITE_P(Each, AtTheBorder, ::testing::Values(Where::kArguments, Where::kEnvironment),
                         [](const auto& where) {
                           return where.param == Where::kArguments ? "OfTheArguments" : "OfTheEnvironment";
                         });

TEST(TheLongestString, IsTakenAndOneByteMoreIsAnError) {
  const std::string longest(kLongestString - 1, 'x');
  expect_started(command_of({longest}, {}));
  expect_too_big(command_of({longest + "x"}, {}));
  const std::string name = "NAME=";
  expect_started(command_of({}, {name + longest.substr(name.size())}));
  expect_too_big(command_of({}, {name + longest.substr(name.size()) + "x"}));
}

TEST(ManyStrings, ArriveWholeAndInOrder) {
  constexpr int kCount = 5'000;
  Command command(test_child_path());
  command.clear_env();
  for (int i = 0; i < kCount; ++i) command.env("V" + std::to_string(i), std::to_string(i * 7));
  Strings arguments;
  for (int i = 0; i < kCount; ++i) arguments.push_back(std::to_string(i * 3));
  const Report report = report_of(command, arguments);
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(report.at("env." + std::to_string(i)), "V" + std::to_string(i) + "=" + std::to_string(i * 7));
    ASSERT_EQ(report.at("argv." + std::to_string(i + 3)), std::to_string(i * 3));
  }
  EXPECT_EQ(report.count("env." + std::to_string(kCount)), 0u);
}

}  // namespace
}  // namespace warden::test_support
