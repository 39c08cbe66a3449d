#include "test/support/scarce_memory.h"

#include <execinfo.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

#include "absl/base/config.h"
#include "gtest/gtest.h"

namespace {

// How many more allocations succeed, in any thread, before one fails; negative: none fails.
std::atomic<int> allocations_left{-1};
// Whether all later ones fail, too.
std::atomic<bool> is_gone_for_good{false};
std::atomic<int> failed_allocations{0};
std::atomic<int> failed_elsewhere{0};
thread_local bool is_calling = false;

std::atomic<bool> is_counting{false};
std::atomic<int> foreign_allocations{0};
thread_local bool is_exempt = false;

// More than any call makes.
constexpr int kMostAllocations = 20'000;

// So many fail one by one; of those after them, which are the readings of other processes' files in /proc, every so
// manieth part of what was before.
constexpr int kEach = 200;
constexpr int kShare = 50;

bool is_refused() {
  const int left = allocations_left.load(std::memory_order_relaxed);
  if (left < 0) return false;
  const bool refused = (left == 0 && is_gone_for_good) || allocations_left.fetch_sub(1, std::memory_order_relaxed) == 0;
  if (refused) ++failed_allocations;
  if (refused && !is_calling) ++failed_elsewhere;
  return refused;
}

// Allocates itself at its first call, which is not counted.
void write_stack() {
  constexpr int kDepth = 32;
  void* frames[kDepth];
  const bool was_exempt = std::exchange(is_exempt, true);
  ::backtrace_symbols_fd(frames, ::backtrace(frames, kDepth), STDERR_FILENO);
  is_exempt = was_exempt;
}

void count_if_foreign() {
  if (!is_counting.load(std::memory_order_relaxed) || is_exempt) return;
  if (foreign_allocations.fetch_add(1) == 0) write_stack();
}

}  // namespace

void* operator new(size_t size) {
  count_if_foreign();
  void* const memory = is_refused() ? nullptr : ::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { ::free(memory); }
void operator delete(void* memory, size_t) noexcept { ::free(memory); }

// A sanitizer has these itself.
#if defined(__GLIBC__) && !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_THREAD_SANITIZER)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);

void* malloc(size_t size) noexcept {
  count_if_foreign();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) noexcept {
  count_if_foreign();
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) noexcept {
  count_if_foreign();
  return __libc_realloc(memory, size);
}
}
#endif

namespace warden::test_support {

void PrintTo(CallResult result, std::ostream* out) {
  const char* const names[] = {"HadEnough", "Threw", "Coped", "Elsewhere"};
  *out << names[static_cast<int>(result)];
}

void PrintTo(MemoryEnd end, std::ostream* out) { *out << (end == MemoryEnd::kOnce ? "Once" : "ForGood"); }

CallResult ScarceCall::operator()(const std::function<void()>& call) const {
  bool threw = false;
  failed_allocations = 0;
  failed_elsewhere = 0;
  is_calling = true;
  is_gone_for_good = end_ == MemoryEnd::kForGood;
  allocations_left = allocations_;
  try {
    call();
  } catch (const std::bad_alloc&) {
    threw = true;
  } catch (...) {
    allocations_left = -1;
    is_calling = false;
    throw;
  }
  allocations_left = -1;
  is_calling = false;
  if (threw) return CallResult::kThrew;
  if (failed_allocations == 0) return CallResult::kHadEnough;
  return failed_elsewhere == failed_allocations ? CallResult::kElsewhere : CallResult::kCoped;
}

int fail_each_allocation(const std::function<void(const ScarceCall&)>& body, MemoryEnd end) {
  int failed = 0;
  for (int allocations = 0; allocations < kMostAllocations; ++failed) {
    failed_allocations = 0;
    body(ScarceCall(allocations, end));
    if (failed_allocations == 0) return failed;
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "after " << allocations << " allocations";
      return failed;
    }
    allocations += 1 + std::max(0, allocations - kEach) / kShare;
  }
  ADD_FAILURE() << "the call still allocates after " << kMostAllocations;
  return failed;
}

ForeignAllocations::ForeignAllocations() {
  foreign_allocations = 0;
  is_exempt = true;
  is_counting = true;
}

ForeignAllocations::~ForeignAllocations() {
  is_counting = false;
  is_exempt = false;
}

int ForeignAllocations::count() { return foreign_allocations; }

void ForeignAllocations::exempt_this_thread() { is_exempt = true; }

}  // namespace warden::test_support
