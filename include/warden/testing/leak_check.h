// A check that a test leaves no processes, descriptors and threads behind.
//
// Example, for every test of a program:
//   int main(int argc, char** argv) {
//     ::testing::InitGoogleTest(&argc, argv);
//     warden_testing::install_leak_check();
//     return RUN_ALL_TESTS();
//   }
// and for a part of one:
//   TEST(Server, StopsWithoutATrace) {
//     const warden_testing::LeakCheck check;
//     Server().start().stop();
//   }
#ifndef WARDEN_TESTING_LEAK_CHECK_H_
#define WARDEN_TESTING_LEAK_CHECK_H_

#include <memory>
#include <string>
#include <vector>

namespace warden_testing {

namespace internal {
struct ProcessCensus;
}

// From now on each test fails that leaves a child process (alive or a zombie), an open descriptor or a thread that was
// not there when it began: one failure for each, with its number and what /proc tells of it. What was there before (a
// server of the whole suite) does not count, nor does a descriptor that has been closed or replaced.
//
// The look comes after TearDown; what SetUpTestSuite leaves is seen by no test. Lasts through --gtest_repeat; the
// second call does nothing. A forked copy of the process is not looked at, a death test's neither. REQUIRES: GoogleTest
// is initialised, and no test runs.
//
// Blocks: after a test that has left a thread, until that has gone; 3 s at most. Only looking again and again shows
// whether a thread is on its way out (a joined one may be in /proc for a moment, and a detached one ends when it can);
// a test that leaves none is not held up.
void install_leak_check();

// The same for a part of a test: from the constructor to the destructor, which adds the failures, or to leaks().
class LeakCheck {
 public:
  LeakCheck();
  ~LeakCheck();
  LeakCheck(const LeakCheck&) = delete;
  LeakCheck& operator=(const LeakCheck&) = delete;

  // What there is more than before now, a line each: "a child process 123 (nginx, state Z)", "extra descriptor 7
  // (pipe:[4711])", "extra thread 124 (pool)". Adds no failure. Blocks: as above.
  std::vector<std::string> leaks() const;

 private:
  const std::unique_ptr<const internal::ProcessCensus> before_;
};

}  // namespace warden_testing

#endif  // WARDEN_TESTING_LEAK_CHECK_H_
