// A host in which another thread changes the environment all the time. setenv(3) may move the environment while the
// library reads it, and there is no lock to take: a spawn that is given the whole environment does not read the host's.
#include <stdlib.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

// Grows the environment, which moves it, and shrinks it again, until it is told to end.
class EnvironmentChanger {
 public:
  EnvironmentChanger() : thread_([this] { change(); }) {}
  ~EnvironmentChanger() {
    over_ = true;
    thread_.join();
  }
  EnvironmentChanger(const EnvironmentChanger&) = delete;
  EnvironmentChanger& operator=(const EnvironmentChanger&) = delete;

  void wait_changed() const {
    for (const int before = rounds_; rounds_ == before;) std::this_thread::yield();
  }

 private:
  void change() {
    static char put[] = "PUT=1";
    for (; !over_; ++rounds_) {
      for (int i = 0; i < 64; ++i) ::setenv(("NAME" + std::to_string(i)).c_str(), "value", 1);
      ::putenv(put);
      ::setenv("PATH", "/nonexistent", 1);
      ::clearenv();  // the next setenv makes a new environment
    }
  }

  std::atomic<bool> over_{false};
  std::atomic<int> rounds_{0};
  std::thread thread_;
};

TEST(WhileAnotherThreadChangesTheEnvironment, AChildWithAnEnvironmentOfItsOwnHasExactlyThat) {
  run_isolated_unchecked([] {
    const Command command = Command(test_child_path()).env("LOST", "1").clear_env().env("A", "1").env("B", "2");
    const EnvironmentChanger changer;
    for (int i = 0; i < 100; ++i) {
      const Report report = report_of(command);
      EXPECT_EQ(report.at("env.0"), "A=1");
      EXPECT_EQ(report.at("env.1"), "B=2");
      EXPECT_EQ(report.count("env.2"), 0u);
    }
    changer.wait_changed();
  });
}

// The look-up uses the child's PATH, or the system's default where the child has none, and never the host's.
TEST(WhileAnotherThreadChangesTheEnvironment, AProgramIsFoundByTheChildsPath) {
  run_isolated_unchecked([] {
    const EnvironmentChanger changer;
    for (int i = 0; i < 100; ++i) {
      Command command("true");
      command.clear_env();
      if (i % 2 == 0) command.env("PATH", "/usr/bin:/bin");
      Result<Child, SpawnError> child = Child::spawn(command);
      ASSERT_TRUE(child.has_value()) << child.error();
      EXPECT_TRUE(child.value().wait().value().success());
    }
    changer.wait_changed();
  });
}

TEST(WhileAnotherThreadChangesTheEnvironment, TerminationDoesNotReadIt) {
  run_isolated_unchecked([] {
    Command command(test_child_path());
    command.arg("sleep").clear_env();
    const EnvironmentChanger changer;
    for (int i = 0; i < 50; ++i) {
      Child child = Child::spawn(command).value();
      EXPECT_TRUE(child.kill().has_value());
    }
    changer.wait_changed();
  });
}

}  // namespace
}  // namespace warden::test_support
