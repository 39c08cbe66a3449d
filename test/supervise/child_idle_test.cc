// What a child costs while nothing happens: none of its threads wakes up, and its exit is reported without an
// allocation, which could fail.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "lib/os/kernel_version.h"
#include "test/support/child_probe.h"
#include "test/support/keeper_of.h"
#include "warden/warden.h"

namespace {

// Counts allocations in any thread while it is on.
std::atomic<bool> is_counting{false};
std::atomic<int> allocations{0};

void count_allocation() {
  if (is_counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// malloc() is the sanitizer's.
void* operator new(size_t size) {
  count_allocation();
  void* const memory = ::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { ::free(memory); }
void operator delete(void* memory, size_t) noexcept { ::free(memory); }
#else
extern "C" void* __libc_malloc(size_t size);
extern "C" void* malloc(size_t size) {
  count_allocation();
  return __libc_malloc(size);
}
#endif

namespace warden::test_support {
namespace {

using Threads = std::set<int>;

Threads all_threads() {
  Threads threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    threads.insert(std::stoi(entry.path().filename()));
  }
  return threads;
}

// Returns the threads that are not in `before`.
Threads new_threads(const Threads& before) {
  Threads threads;
  for (const int thread : all_threads()) {
    if (before.count(thread) == 0) threads.insert(thread);
  }
  return threads;
}

std::string file_of_thread(int thread, const char* file) {
  std::ifstream stream(absl::StrCat("/proc/", thread, "/", file));
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

enum class Timeouts { kNone, kAny };

// Whether the thread waits for descriptors (proc(5), /proc/PID/syscall). That is its last step; on the way there it may
// still wait for a lock.
bool sleeps(int thread, Timeouts timeouts) {
  std::istringstream words(file_of_thread(thread, "syscall"));
  long number = -1;
  if (!(words >> number)) return false;  // "running"
  std::vector<unsigned long> arguments(6);
  for (unsigned long& argument : arguments) words >> std::hex >> argument;
#ifdef SYS_poll
  if (number == SYS_poll) return timeouts == Timeouts::kAny || static_cast<int>(arguments[2]) < 0;
#endif
  return number == SYS_ppoll && (timeouts == Timeouts::kAny || arguments[2] == 0);
}

bool wait_until_asleep(int thread, Timeouts timeouts = Timeouts::kNone) {
  const absl::Time deadline = absl::Now() + kBound;
  while (!sleeps(thread, timeouts)) {
    if (absl::Now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Returns how often the thread has slept and woken up.
std::string switches_of(int thread) {
  std::istringstream status(file_of_thread(thread, "status"));
  std::string line, switches;
  while (std::getline(status, line)) {
    if (line.find("ctxt_switches") != std::string::npos) switches += line + "\n";
  }
  return switches;
}

// The threads of an idle child do not wake up, not even while other children come and go.
void expect_idle(const Threads& threads) {
  std::vector<std::string> before;
  for (const int thread : threads) {
    ASSERT_TRUE(wait_until_asleep(thread)) << file_of_thread(thread, "syscall");
    before.push_back(switches_of(thread));
    ASSERT_FALSE(before.back().empty());
  }
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Child::spawn(test_command({"exit", "0"})).value().wait().has_value());
  std::vector<std::string> after;
  for (const int thread : threads) {
    EXPECT_TRUE(sleeps(thread, Timeouts::kNone)) << file_of_thread(thread, "syscall");
    after.push_back(switches_of(thread));
  }
  EXPECT_EQ(before, after);
}

class ALiveChild : public ::testing::Test {
 protected:
  void SetUp() override {
    if (file_of_thread(::gettid(), "syscall").empty()) GTEST_SKIP() << "this kernel has no /proc/PID/syscall";
  }
};

TEST_F(ALiveChild, WakesNoThread) {
  const Threads before = all_threads();
  Child child = Child::spawn(test_command({"sleep"})).value();
  const Threads threads = new_threads(before);
  EXPECT_EQ(threads.size(), 1u) << "the reaper";
  expect_idle(threads);
  EXPECT_TRUE(child.kill().has_value());
}

TEST_F(ALiveChild, InATreeWakesNeitherAThreadNorTheKeeper) {
  const Threads before = all_threads();
  Child child = Child::spawn(test_command({"sleep"}).containment(Containment::kTree)).value();
  const Threads threads = new_threads(before);
  EXPECT_EQ(threads.size(), 1u) << "the reaper";
  const int keeper = keeper_of(child);
  ASSERT_NE(keeper, ::getpid());
  const absl::Time deadline = absl::Now() + kBound;
  const auto keeper_is_asleep = [keeper] {
    return file_of_thread(keeper, "status").find("State:\tS") != std::string::npos;
  };
  while (!keeper_is_asleep() && absl::Now() < deadline) std::this_thread::yield();
  const std::string before_others = switches_of(keeper);
  ASSERT_FALSE(before_others.empty());
  expect_idle(threads);
  EXPECT_TRUE(keeper_is_asleep());
  EXPECT_EQ(switches_of(keeper), before_others);
  EXPECT_TRUE(child.kill().has_value());
}

int mappings() {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

// A process may have 65,530 mappings (vm.max_map_count).
TEST_F(ALiveChild, CostsNoMappingOfItsOwn) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "under a sanitizer every stack has a guard page";
#endif
  if (!internal::kernel_is_at_least(6, 7)) GTEST_SKIP() << "this kernel may give neighbouring stacks huge pages";
  constexpr int kMany = 100;
  std::vector<Child> children;
  const int before = mappings();
  for (int i = 0; i < kMany; ++i) children.push_back(Child::spawn(test_command({"sleep"})).value());
  EXPECT_LT(mappings() - before, kMany / 2);
  TerminationPolicy kill = TerminationPolicy::immediate();
  kill.kill_timeout = kBound;  // where a hundred end at once, one may take seconds to end
  for (const auto& ended : terminate_all(children, kill)) EXPECT_TRUE(ended.has_value());
}

TEST_F(ALiveChild, WakesNoThreadWhileItsOutputIsCaptured) {
  const Threads before = all_threads();
  Child child = Child::spawn(test_command({"sleep"}).stdout_to(Stdio::capture()).stderr_to(Stdio::capture())).value();
  const Threads threads = new_threads(before);
  EXPECT_EQ(threads.size(), 2u) << "the reaper, and the pump";
  expect_idle(threads);
  EXPECT_TRUE(child.kill().has_value());
}

// The waiting thread is the host's: signals may reach it.
TEST_F(ALiveChild, WakesNoThreadOfItsOwnWhileAnotherWaitsForIt) {
  const Threads before = all_threads();
  Child child = Child::spawn(test_command({"sleep"})).value();
  const Threads own = new_threads(before);
  for (const int reaper : own) ASSERT_TRUE(wait_until_asleep(reaper));
  const Threads with_own = all_threads();
  std::thread waiter([&child] { EXPECT_EQ(child.wait().value().signal(), Signal::kill()); });
  for (const int waiting : new_threads(with_own)) EXPECT_TRUE(wait_until_asleep(waiting, Timeouts::kAny));
  expect_idle(own);
  EXPECT_TRUE(child.kill().has_value());
  waiter.join();
}

// Counts allocations from before the child's end until the wait has returned.
void expect_no_allocation(Command command, const std::function<ExitStatus(Child&)>& wait) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Child child = Child::spawn(command.stdin_from(Stdio::fd(ends[0]))).value();
  ::close(ends[0]);
  std::atomic<bool> is_started{false};
  ExitStatus status = ExitStatus::lost();
  std::thread waiter([&] {
    is_started = true;
    status = wait(child);
    is_counting = false;
  });
  while (!is_started) std::this_thread::yield();
  allocations = 0;
  is_counting = true;
  ::close(ends[1]);
  waiter.join();
  EXPECT_EQ(allocations, 0);
  EXPECT_TRUE(status.success()) << status;
}

ExitStatus wait_for_ever(Child& child) { return child.wait().value(); }
ExitStatus wait_with_bound(Child& child) { return child.wait_for(kBound).value().value(); }

TEST(TheWayFromExitToWaiter, IsCountedByThisTest) {
  is_counting = true;
  const std::vector<int> allocated(1000);
  is_counting = false;
  EXPECT_GT(allocations, 0) << allocated.size();
}

TEST(TheWayFromExitToWaiter, AllocatesNothing) {
  expect_no_allocation(Command("cat"), wait_for_ever);
  expect_no_allocation(Command("cat"), wait_with_bound);
}

TEST(TheWayFromExitToWaiter, AllocatesNothingForATree) {
  expect_no_allocation(Command("cat").containment(Containment::kTree), wait_for_ever);
  expect_no_allocation(Command("cat").containment(Containment::kTree), wait_with_bound);
}

TEST(TheWayFromExitToWaiter, AllocatesNothingInTheReaperThatLaunched) {
  expect_no_allocation(Command("cat").die_with_parent(true), wait_with_bound);
}

}  // namespace
}  // namespace warden::test_support
