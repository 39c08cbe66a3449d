// A check that a test leaves no processes, descriptors and threads behind.
//
// Example, for every test of a program:
//   int main(int argc, char** argv) {
//     ::testing::InitGoogleTest(&argc, argv);
//     warden::testing::install_leak_check();
//     return RUN_ALL_TESTS();
//   }
// and for a part of one:
//   TEST(Server, StopsWithoutATrace) {
//     const warden::testing::LeakCheck check;
//     Server().start().stop();
//   }
#ifndef WARDEN_TESTING_LEAK_CHECK_H_
#define WARDEN_TESTING_LEAK_CHECK_H_

#include <memory>
#include <string>
#include <vector>

namespace warden::testing {

namespace internal {
struct ProcessCensus;
}

// From now on fails each test that leaves a child process (alive or a zombie), an open descriptor or a thread that was
// not there when the test began: one failure for each, with its number and what /proc says about it. What was there
// before (a server of the whole suite) does not count, nor does a descriptor that the test has closed or replaced.
//
// The check looks after TearDown; it finds nothing that SetUpTestSuite leaves. It lasts through --gtest_repeat; a
// second call does nothing. It does not look at a forked copy of the process, such as a death test's. REQUIRES:
// GoogleTest is initialised, and no test runs.
//
// Blocks: after a test that has left a thread, until the thread has gone; 3 s at most. The check polls, since nothing
// else shows whether a thread is about to end (a joined one may be in /proc for a moment, and a detached one ends when
// it can). It does not delay a test that leaves no thread.
void install_leak_check();

// The same check for a part of a test: from the constructor to the destructor, which adds the failures, or to leaks().
class LeakCheck {
 public:
  LeakCheck();
  ~LeakCheck();
  LeakCheck(const LeakCheck&) = delete;
  LeakCheck& operator=(const LeakCheck&) = delete;

  // Lists what is there now and was not before, a line each: "a child process 123 (nginx, state Z)", "extra descriptor
  // 7 (pipe:[4711])", "extra thread 124 (pool)". Adds no failure. Blocks: as above.
  std::vector<std::string> leaks() const;

 private:
  const std::unique_ptr<const internal::ProcessCensus> before_;
};

}  // namespace warden::testing

#endif  // WARDEN_TESTING_LEAK_CHECK_H_
