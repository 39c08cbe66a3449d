// A thread of the host that reaps every child of this process that it can get.
//
// Example:
//   Thief thief(Thief::Way::kWait);
//   ...                             // spawn, wait: each status is right all the same
//   EXPECT_GT(thief.stolen(), 0);   // or it has shown nothing
#ifndef WARDEN_TEST_SUPPORT_THIEF_H_
#define WARDEN_TEST_SUPPORT_THIEF_H_

#include <atomic>
#include <ostream>
#include <thread>

namespace warden::test_support {

class Thief {
 public:
  enum class Way {
    kPollingWaitpid,  // waitpid(-1) with WNOHANG, all the time
    kWait,            // wait(), which blocks
    kLookThenWaitid,  // waitid(P_ALL), which blocks, with WNOWAIT and then without
    kEveryKind,       // waitpid(-1) with WNOHANG and __WALL, all the time
  };

  explicit Thief(Way way = Way::kPollingWaitpid);
  // REQUIRES: this process has no child left that the thief could take.
  ~Thief();
  Thief(const Thief&) = delete;
  Thief& operator=(const Thief&) = delete;

  int stolen() const { return stolen_; }

  // Whether a thief runs in this process.
  static bool is_at_work();

 private:
  bool steal_one();

  const Way way_;
  std::atomic<bool> stop_{false};
  std::atomic<int> stolen_{0};
  std::thread thread_;
};

void PrintTo(Thief::Way way, std::ostream* out);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_THIEF_H_
