// Each test runs in a process of its own, which has no identity before the test asks for one.
#include "lib/os/owner.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"

namespace warden::internal {
namespace {

using warden::test_support::refuse_system_calls;
using warden::test_support::run_isolated;

// Runs the body in a forked copy of this process.
void in_copy(const std::function<void()>& body) { warden::test_support::run_isolated_unchecked(body); }

TEST(Owner, IsStableAndNeverZero) {
  run_isolated([] {
    const Owner first = this_process();
    EXPECT_NE(first, 0u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(this_process(), first);
    EXPECT_TRUE(is_this_process(first));
  });
}

TEST(Owner, IsAnotherInAForkedCopyBeforeAndAfterThatHasOneOfItsOwn) {
  run_isolated([] {
    const Owner original = this_process();
    in_copy([original] {
      EXPECT_FALSE(is_this_process(original));
      const Owner copy = this_process();
      EXPECT_NE(copy, 0u);
      EXPECT_NE(copy, original);
      EXPECT_EQ(this_process(), copy);
      EXPECT_TRUE(is_this_process(copy));
      EXPECT_FALSE(is_this_process(original));
    });
    EXPECT_EQ(this_process(), original);
    EXPECT_TRUE(is_this_process(original));
  });
}

// Forks to that depth; each process has an identity that none of its ancestors has.
void descend(std::set<Owner> ancestors, int depth) {
  for (const Owner ancestor : ancestors) EXPECT_FALSE(is_this_process(ancestor));
  EXPECT_TRUE(ancestors.insert(this_process()).second) << "an identity of an ancestor, at depth " << depth;
  if (depth == 0) return;
  in_copy([&] { descend(ancestors, depth - 1); });
  in_copy([&] { descend(ancestors, depth - 1); });  // a sibling of the first
  EXPECT_TRUE(is_this_process(this_process()));
}

TEST(Owner, IsNeverThatOfAnAncestor) {
  run_isolated([] { descend({}, 3); });
}

TEST(Owner, IsNotThatOfAGrandparentWhenTheProcessBetweenHasNone) {
  run_isolated([] {
    const Owner original = this_process();
    in_copy([original] {
      in_copy([original] {
        EXPECT_FALSE(is_this_process(original));
        EXPECT_NE(this_process(), original);
        EXPECT_FALSE(is_this_process(original));
      });
      EXPECT_FALSE(is_this_process(original)) << "this one still has none";
      EXPECT_NE(this_process(), original);
    });
  });
}

// Asks for the identity in many threads, as nearly as possible at the same time.
std::set<Owner> ask_in_threads() {
  constexpr int kThreads = 16;
  std::vector<Owner> answers(kThreads, 0);
  std::atomic<int> waiting{kThreads};
  std::vector<std::thread> threads;
  for (Owner& answer : answers) {
    threads.emplace_back([&answer, &waiting] {
      for (--waiting; waiting > 0;) std::this_thread::yield();
      answer = this_process();
      if (!is_this_process(answer)) answer = 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return std::set<Owner>(answers.begin(), answers.end());
}

TEST(Owner, IsOneForAllThreadsThatAskFirst) {
  for (int i = 0; i < 50; ++i) {
    run_isolated([] {
      const std::set<Owner> answers = ask_in_threads();
      EXPECT_EQ(answers.size(), 1u);
      EXPECT_EQ(answers, std::set<Owner>{this_process()});
      EXPECT_EQ(answers.count(0), 0u);
    });
    if (HasFailure()) break;
  }
}

TEST(Owner, IsOneForAllThreadsOfACopyThatAskFirst) {
  run_isolated([] {
    const Owner original = this_process();
    for (int i = 0; i < 50; ++i) {
      in_copy([original] {
        const std::set<Owner> answers = ask_in_threads();
        EXPECT_EQ(answers.size(), 1u);
        EXPECT_EQ(answers.count(0) + answers.count(original), 0u);
      });
    }
  });
}

bool holds_in_copy(const std::function<bool()>& body) {
  const pid_t copy = ::fork();
  if (copy == 0) ::_exit(body() ? 0 : 1);
  int status = -1;
  return ::waitpid(copy, &status, 0) == copy && status == 0;
}

// Runs the body in a copy that is the first process of a new pid namespace; false where there can be none.
bool holds_in_new_namespace(const std::function<bool()>& body) {
  return ::unshare(CLONE_NEWPID) == 0 && holds_in_copy([&body] { return ::getpid() == 1 && body(); });
}

TEST(Owner, IsAnotherInACopyThatHasTheSameNumberInAnotherPidNamespace) {
  if (!holds_in_copy([] { return holds_in_new_namespace([] { return true; }); })) {
    GTEST_SKIP() << "no pid namespace can be had here";
  }
  const auto differs_from = [](Owner other) {
    return !is_this_process(other) && this_process() != other && !is_this_process(other);
  };
  EXPECT_TRUE(holds_in_copy([&] {
    return holds_in_new_namespace([&] {
      const Owner original = this_process();
      return holds_in_new_namespace([&] { return differs_from(original); }) && is_this_process(original);
    });
  }));
}

// Without MADV_WIPEONFORK: a kernel before 4.14, or a filter.
TEST(Owner, IsToldByTheNumberWhereNoPageCanBeWiped) {
  run_isolated([] {
    ASSERT_TRUE(refuse_system_calls(
        {{SYS_madvise, EINVAL, warden::test_support::RefusedCall::When::kArgumentIs, MADV_WIPEONFORK, 2}}));
    const Owner original = this_process();
    EXPECT_NE(original, 0u);
    EXPECT_EQ(this_process(), original);
    EXPECT_TRUE(is_this_process(original));
    EXPECT_EQ(ask_in_threads(), std::set<Owner>{original});
    in_copy([original] {
      EXPECT_FALSE(is_this_process(original));
      EXPECT_NE(this_process(), original);
      EXPECT_TRUE(is_this_process(this_process()));
      EXPECT_FALSE(is_this_process(original));
    });
    EXPECT_TRUE(is_this_process(original));
  });
}

// The process has its identity from before the filter, which allows no new wiped page: that identity stays.
TEST(Owner, StaysWhenThePagesCannotBeWipedAnyMore) {
  run_isolated([] {
    const Owner original = this_process();
    ASSERT_TRUE(refuse_system_calls(
        {{SYS_madvise, EINVAL, warden::test_support::RefusedCall::When::kArgumentIs, MADV_WIPEONFORK, 2}}));
    EXPECT_EQ(this_process(), original);
    in_copy([original] {
      EXPECT_FALSE(is_this_process(original));
      EXPECT_NE(this_process(), original);
    });
  });
}

}  // namespace
}  // namespace warden::internal
