// The fixture, driven by a test that checks what it does.
#ifndef WARDEN_TEST_TESTING_FIXTURE_PROBE_H_
#define WARDEN_TEST_TESTING_FIXTURE_PROBE_H_

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "warden/abandoned_child.h"
#include "warden/testing/child_fixture.h"

namespace warden::testing {

inline constexpr bool kMayExit = true;

// Returns the messages of the failures that the body causes.
inline std::vector<std::string> failures_of(const std::function<void()>& body) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    body();
  }
  std::vector<std::string> messages;
  for (int i = 0; i < results.size(); ++i) messages.emplace_back(results.GetTestPartResult(i).message());
  return messages;
}

// Counts the handles that are destroyed too early.
class AbandonedChildCount {
 public:
  AbandonedChildCount() { warden::set_abandoned_child_handler(count, this); }
  ~AbandonedChildCount() { warden::set_abandoned_child_handler(nullptr, nullptr); }
  AbandonedChildCount(const AbandonedChildCount&) = delete;
  AbandonedChildCount& operator=(const AbandonedChildCount&) = delete;
  int value() const { return value_; }

 private:
  static void count(const warden::AbandonedChild&, void* context) {
    ++static_cast<AbandonedChildCount*>(context)->value_;
  }
  int value_ = 0;
};

// A fixture that a test drives itself.
class Fixture : public ChildFixture {
 public:
  using ChildFixture::end_all_at_once;
  using ChildFixture::spawn;
  using ChildFixture::TearDown;
  void TestBody() override {}
};

inline warden::Command shell(const std::string& script) {
  warden::Command command("/bin/sh");
  command.args({"-c", script}).name("shell");
  return command;
}

// A shell that says "ready", and on SIGTERM runs `on_term` before it exits. It writes to the pipe as descriptor 9.
inline warden::Command shell_with_handler(const warden::test_support::AckPipe& ack, const std::string& on_term) {
  return shell("trap '" + on_term + "; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
      .inherit_fd(ack.write_fd(), 9);
}

inline SpawnOptions ready_on(const std::string& text) {
  SpawnOptions options;
  options.ready = Ready::on_line(text);
  return options;
}

inline SpawnOptions may_exit(bool may) {
  SpawnOptions options;
  options.may_exit = may;
  return options;
}

}  // namespace warden::testing

#endif  // WARDEN_TEST_TESTING_FIXTURE_PROBE_H_
