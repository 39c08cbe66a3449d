// Spawning at the edge of a limit: for every value of the limit, either the child runs, or an error says what was
// refused and nothing is left. Each value is tried in a process of its own.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "absl/base/config.h"
#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/other_user.h"
#include "test/support/process_snapshot.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

// How far a spawn got.
enum class Reached { kNothing, kThread, kChild };

void PrintTo(Reached reached, std::ostream* out) {
  *out << (reached == Reached::kNothing ? "nothing" : reached == Reached::kThread ? "the thread" : "the child");
}

// The ways to launch: on the caller's thread, on the reaper, and with a copy of the caller's memory.
enum class Kind { kPlain, kOnReaper, kOwnMemory };

constexpr Kind kKinds[] = {Kind::kPlain, Kind::kOnReaper, Kind::kOwnMemory};

// A program that every user may run.
Command exiting_command(Kind kind) {
  Command command("/bin/sh");
  command.args({"-c", "exit 7"}).die_with_parent(kind == Kind::kOnReaper);
  if (kind == Kind::kOwnMemory) command.credentials({::getuid(), ::getgid(), {}});
  return command;
}

// Spawns once and checks everything that a spawn promises, except that nothing is left.
Reached spawn_once(const Command& command, int launch_error) {
  Result<Child, SpawnError> child = Child::spawn(command);
  if (child.has_value()) {
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(7));
    return Reached::kChild;
  }
  const SpawnError& error = child.error();
  if (error.step == SpawnError::Step::kCreateThread) {
    EXPECT_EQ(error.code, std::error_code(EAGAIN, std::generic_category())) << error;
    return Reached::kNothing;
  }
  EXPECT_EQ(error.step, SpawnError::Step::kLaunch) << error;
  EXPECT_EQ(error.code, std::error_code(launch_error, std::generic_category())) << error;
  return Reached::kThread;
}

void set_soft_limit(__rlimit_resource resource, rlim_t value) {
  struct rlimit limit = {};
  ASSERT_EQ(::getrlimit(resource, &limit), 0);
  limit.rlim_cur = value;
  ASSERT_EQ(::setrlimit(resource, &limit), 0);
}

// ---- RLIMIT_NPROC: the number of tasks of one user, who runs only this process.

// The pid makes it a user that no other run of this test has.
bool become_a_lonely_user() { return become_other_user(1'000'000 + static_cast<uid_t>(::getpid())); }

// One task, besides a sanitizer's own.
unsigned count_tasks() { return static_cast<unsigned>(ProcessSnapshot::take().threads.size()); }

class SpawnUnderProcessLimit : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_other_user();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
};

// Spawns with room for the existing tasks and `room` more.
Reached spawn_with_room_for(unsigned tasks, unsigned room, Kind kind) {
  Reached reached = Reached::kNothing;
  check_leaves_nothing([&] {
    struct rlimit before = {};
    ASSERT_EQ(::getrlimit(RLIMIT_NPROC, &before), 0);
    set_soft_limit(RLIMIT_NPROC, tasks + room);
    reached = spawn_once(exiting_command(kind), EAGAIN);
    set_soft_limit(RLIMIT_NPROC, before.rlim_cur);
  });
  return reached;
}

TEST_F(SpawnUnderProcessLimit, EitherRunsOrLeavesNothingAtEveryValue) {
  run_isolated_unchecked([] {
    ASSERT_TRUE(become_a_lonely_user());
    const unsigned tasks = count_tasks();
    for (const Kind kind : {Kind::kPlain, Kind::kOnReaper}) {
      for (const unsigned room : {3u, 2u, 1u, 0u, 1u, 2u, 3u, 4u, 5u, 6u}) {
        const Reached reached = spawn_with_room_for(tasks, room, kind);
        const Reached expected = room == 0 ? Reached::kNothing : room == 1 ? Reached::kThread : Reached::kChild;
        EXPECT_EQ(reached, expected) << "room for " << room;
      }
    }
  });
}

// A living child takes room for its reaper and itself; the next spawn has no room, and does not harm the first child.
TEST_F(SpawnUnderProcessLimit, ARefusedSpawnHarmsNoLivingChild) {
  run_isolated_unchecked([] {
    ASSERT_TRUE(become_a_lonely_user());
    const unsigned tasks = count_tasks();
    for (const bool die_with_parent : {false, true}) {
      Command living("/bin/sh");
      living.args({"-c", "read line; exit 8"}).stdin_from(Stdio::pipe()).die_with_parent(die_with_parent);
      Child child = Child::spawn(living).value();
      for (const unsigned room : {0u, 1u}) {
        set_soft_limit(RLIMIT_NPROC, tasks + 2 + room);
        EXPECT_EQ(spawn_once(living, EAGAIN), room == 0 ? Reached::kNothing : Reached::kThread);
      }
      EXPECT_EQ(child.try_wait().value(), std::nullopt);
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(8));
    }
  });
}

// ---- RLIMIT_AS: the pages of this process's memory. The child raises the limit before its program starts.

class SpawnUnderMemoryLimit : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
    GTEST_SKIP() << "the sanitizer has reserved more than any limit";
#endif
    struct rlimit limit = {};
    ::getrlimit(RLIMIT_AS, &limit);
    if (limit.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "needs to run without a limit of the memory";
  }
};

rlim_t pages_in_use() {
  unsigned long pages = 0;
  FILE* statm = ::fopen("/proc/self/statm", "re");
  if (statm == nullptr) return 0;
  if (::fscanf(statm, "%lu", &pages) != 1) pages = 0;
  ::fclose(statm);
  return pages;
}

// Spawns in a new process each time, which has no stack left over from another thread; a pipe returns how far it got.
Reached spawn_with_pages(int more, Kind kind) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  run_isolated([&] {
    Command command = exiting_command(kind);
    command.limit({RLIMIT_AS});
    void* volatile memory = ::malloc(size_t{64} * 1024);
    ::free(memory);  // the allocator keeps it, so that the limit refuses a stack and no small allocation
    const rlim_t pages = pages_in_use();
    ASSERT_GT(pages, 0u);
    const auto page_size = static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
    set_soft_limit(RLIMIT_AS, (pages + static_cast<rlim_t>(more)) * page_size);
    const Reached reached = spawn_once(command, ENOMEM);
    set_soft_limit(RLIMIT_AS, RLIM_INFINITY);
    ASSERT_EQ(::write(ends[1], &reached, sizeof reached), static_cast<ssize_t>(sizeof reached));
  });
  Reached reached = Reached::kNothing;
  ::close(ends[1]);
  EXPECT_EQ(::read(ends[0], &reached, sizeof reached), static_cast<ssize_t>(sizeof reached)) << more << " pages";
  ::close(ends[0]);
  return reached;
}

// Returns the least number of pages with which a spawn gets that far.
int find_edge(Kind kind, Reached wanted) {
  int too_few = 0;
  int enough = 4096;
  EXPECT_GE(spawn_with_pages(enough, kind), wanted);
  while (enough - too_few > 1) {
    const int middle = too_few + (enough - too_few) / 2;
    (spawn_with_pages(middle, kind) >= wanted ? enough : too_few) = middle;
  }
  return enough;
}

void expect_right_near(int edge, Kind kind, Reached wanted) {
  constexpr int kNear = 12;
  for (int more = std::max(edge - kNear, 0); more < edge + kNear && !::testing::Test::HasFailure(); ++more) {
    EXPECT_EQ(spawn_with_pages(more, kind) >= wanted, more >= edge) << more << " pages, edge " << edge;
  }
}

TEST_F(SpawnUnderMemoryLimit, EitherRunsOrLeavesNothingAtEveryValueNearTheEdge) {
  for (const Kind kind : kKinds) {
    if (kind == Kind::kOwnMemory && ::geteuid() != 0) continue;
    const int edge = find_edge(kind, Reached::kChild);
    EXPECT_GT(edge, 1);
    expect_right_near(edge, kind, Reached::kChild);
  }
}

TEST_F(SpawnUnderMemoryLimit, WithItsOwnMemoryItSaysSoWhereOnlyTheThreadFits) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to be root, to set the groups";
  const int edge = find_edge(Kind::kOwnMemory, Reached::kThread);
  EXPECT_EQ(spawn_with_pages(edge - 1, Kind::kOwnMemory), Reached::kNothing);
  EXPECT_EQ(spawn_with_pages(edge, Kind::kOwnMemory), Reached::kThread);
}

}  // namespace
}  // namespace warden::test_support
