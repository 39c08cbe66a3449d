// How often a spawn tries a busy program: counted in a pid namespace, where each try takes the next number.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "test/support/pid_namespace.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

// Returns the number that a process or thread got last: the last word of this file (proc(5)).
int newest_number() {
  std::string word;
  for (std::ifstream file("/proc/loadavg"); file >> word;) {
  }
  return std::stoi("0" + word);
}

// The library's first thread finds out how large a stack has to be.
void find_out_about_stacks() { EXPECT_TRUE(Child::spawn(Command("/bin/true")).value().wait().has_value()); }

class BusyProgram : public ::testing::Test {
 protected:
  BusyProgram() {
    std::ofstream(program_) << "#!/bin/sh\nexit 8\n";
    EXPECT_EQ(::chmod(program_.c_str(), 0700), 0);
  }

  const TemporaryDirectory directory_;
  const std::string program_ = directory_.path("program");
};

// The reaper's thread takes a number, too.
TEST_F(BusyProgram, IsTriedElevenTimesAndAnotherErrorOnce) {
  if (const std::string why = why_no_pid_namespace(); !why.empty()) GTEST_SKIP() << why;
  run_in_pid_namespace([this] {
    find_out_about_stacks();
    for (const bool on_reaper : {false, true}) {
      const int writer = ::open(program_.c_str(), O_WRONLY | O_CLOEXEC);
      ASSERT_GE(writer, 0);
      const int before = newest_number();
      const SpawnError error = error_of(Command(program_).die_with_parent(on_reaper));
      EXPECT_EQ(newest_number() - before, 1 + 11);
      EXPECT_EQ(error.step, SpawnError::Step::kExec);
      EXPECT_EQ(error.code, std::errc::text_file_busy);
      EXPECT_EQ(error.subject, program_);
      ::close(writer);
      const int between = newest_number();
      EXPECT_EQ(error_of(Command("/no/such/program").die_with_parent(on_reaper)).step, SpawnError::Step::kExec);
      EXPECT_EQ(newest_number() - between, 1 + 1);
    }
  });
}

TEST_F(BusyProgram, IsTriedOnceWhenItIsNotBusy) {
  if (const std::string why = why_no_pid_namespace(); !why.empty()) GTEST_SKIP() << why;
  run_in_pid_namespace([this] {
    find_out_about_stacks();
    const int before = newest_number();
    Child child = Child::spawn(Command(program_)).value();
    EXPECT_EQ(newest_number() - before, 1 + 1);
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(8));
  });
}

}  // namespace
}  // namespace warden::test_support
