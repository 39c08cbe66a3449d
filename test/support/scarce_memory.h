// Makes operator new fail on purpose, and counts what other threads allocate. A test that needs it depends on
// //test/support:scarce_memory, which replaces operator new in the whole program.
#ifndef WARDEN_TEST_SUPPORT_SCARCE_MEMORY_H_
#define WARDEN_TEST_SUPPORT_SCARCE_MEMORY_H_

#include <functional>
#include <ostream>

namespace warden::test_support {

// What fails: one allocation, or that one and all after it.
enum class MemoryEnd { kOnce, kForGood };

enum class CallResult {
  kHadEnough,  // no allocation failed
  kThrew,      // one failed, and the call threw std::bad_alloc
  kCoped,      // one failed, and the call returned all the same
  kElsewhere,  // one failed on another thread only, such as the reader of an output, and the call returned
};

void PrintTo(CallResult result, std::ostream* out);
void PrintTo(MemoryEnd end, std::ostream* out);

// Makes a call in which an allocation fails.
class ScarceCall {
 public:
  // So many allocations succeed, of whichever thread, before one fails.
  ScarceCall(int allocations, MemoryEnd end) : allocations_(allocations), end_(end) {}

  // Lets every exception but std::bad_alloc through.
  CallResult operator()(const std::function<void()>& call) const;

 private:
  int allocations_;
  MemoryEnd end_;
};

// Runs the body again and again: in the call that it makes by its argument the first allocation fails, then the second,
// and so on, until the call needs no more or the test has failed. After 200 it goes on in longer and longer steps: a
// reading of /proc allocates for each process of the machine. Returns how often one failed.
int fail_each_allocation(const std::function<void(const ScarceCall&)>& body, MemoryEnd end = MemoryEnd::kOnce);

// Counts what threads other than its creator's allocate while it exists: by operator new and, without a sanitizer, by
// malloc, calloc and realloc. Writes the stack of the first such allocation to stderr.
class ForeignAllocations {
 public:
  ForeignAllocations();
  ~ForeignAllocations();
  ForeignAllocations(const ForeignAllocations&) = delete;
  ForeignAllocations& operator=(const ForeignAllocations&) = delete;

  static int count();
  // Leaves the calling thread out from now on.
  static void exempt_this_thread();
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_SCARCE_MEMORY_H_
