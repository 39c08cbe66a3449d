// A descriptor table with only a few free numbers, for a while.
#ifndef WARDEN_TEST_SUPPORT_SCARCE_DESCRIPTORS_H_
#define WARDEN_TEST_SUPPORT_SCARCE_DESCRIPTORS_H_

#include <sys/resource.h>

#include <vector>

// UndefinedBehaviorSanitizer, which our asan configuration includes, opens a pipe to check an object's type: without a
// free descriptor it reports every object as broken.
#if defined(__SANITIZE_ADDRESS__)
#define NEEDS_A_FULL_TABLE() GTEST_SKIP() << "the sanitizer needs descriptors of its own"
#else
#define NEEDS_A_FULL_TABLE() static_cast<void>(0)
#endif

namespace warden::test_support {

// While it exists, this process can open exactly `left` more descriptors (EMFILE, RLIMIT_NOFILE). The table ends at
// kTableSize; all descriptors from before are below that.
class ScarceDescriptors {
 public:
  static constexpr int kTableSize = 64;

  explicit ScarceDescriptors(int left);
  ~ScarceDescriptors();
  ScarceDescriptors(const ScarceDescriptors&) = delete;
  ScarceDescriptors& operator=(const ScarceDescriptors&) = delete;

  // Fills a number that the test has just freed.
  void take_one();
  // Returns how many descriptors can be opened now.
  static int count_free();
  // Opens all descriptors that can be opened; the caller closes them.
  static std::vector<int> fill_table();

 private:
  struct rlimit before_ = {};
  std::vector<int> fillers_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_SCARCE_DESCRIPTORS_H_
