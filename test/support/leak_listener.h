// Fails every test that leaves something behind or changes something in the process.
#ifndef WARDEN_TEST_SUPPORT_LEAK_LISTENER_H_
#define WARDEN_TEST_SUPPORT_LEAK_LISTENER_H_

#include "gtest/gtest.h"
#include "test/support/process_snapshot.h"

namespace warden::test_support {

// Requires after each test: no child process and no zombie; the same descriptors, threads, signal mask, dispositions,
// umask, directory and so on as before. See process_snapshot.h.
class LeakListener : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo& info) override;
  void OnTestEnd(const ::testing::TestInfo& info) override;

 private:
  ProcessSnapshot before_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_LEAK_LISTENER_H_
