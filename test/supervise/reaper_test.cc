// The reaper's thread without a child: what it keeps. The tests of Child cover it with children.
#include "lib/supervise/reaper.h"

#include <errno.h>
#include <sys/syscall.h>

#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "lib/os/sys.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"

namespace warden::internal {
namespace {

std::shared_ptr<Supervised> new_supervised() { return std::make_shared<Supervised>(linux_sys(), "nobody"); }

TEST(Reaper, ThatCannotBeStartedHoldsNothing) {
  test_support::run_isolated([] {
    test_support::refuse_system_calls({{SYS_clone3, EAGAIN}, {SYS_clone, EAGAIN}});
    auto supervised = new_supervised();
    const std::weak_ptr<Supervised> watched = supervised;
    Reaper reaper;
    EXPECT_EQ(reaper.start(std::move(supervised), {}), EAGAIN);
    EXPECT_TRUE(watched.expired());
  });
}

TEST(Reaper, OfAChildThatNeverWasHoldsNothingOnceItHasFinished) {
  auto supervised = new_supervised();
  const std::weak_ptr<Supervised> watched = supervised;
  Reaper reaper;
  ASSERT_EQ(reaper.start(supervised, {}), 0);
  supervised->leader().abandon(Lock(*supervised));
  supervised->changes().wake_sleepers();
  supervised.reset();
  reaper.finish();
  EXPECT_TRUE(watched.expired());
}

TEST(Reaper, RunsItsTaskOnAThreadOfItsOwnBeforeItWaits) {
  auto supervised = new_supervised();
  std::thread::id runner;
  {
    Reaper reaper;
    const auto task = [&] {
      runner = std::this_thread::get_id();
      supervised->leader().abandon(Lock(*supervised));
      supervised->changes().wake_sleepers();
    };
    ASSERT_EQ(reaper.start(supervised, task), 0);
    Lock lock(*supervised);
    EXPECT_FALSE(supervised->leader().wait_until_begun(lock));
  }
  EXPECT_NE(runner, std::thread::id());
  EXPECT_NE(runner, std::this_thread::get_id());
}

}  // namespace
}  // namespace warden::internal
