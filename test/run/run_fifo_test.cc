// A FIFO as a stream of the child: its open waits for the other end.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/support/temporary_directory.h"
#include "warden/run.h"

namespace warden::test_support {
namespace {

class Fifo {
 public:
  Fifo() { EXPECT_EQ(::mkfifo(path().c_str(), 0600), 0); }
  std::string path() const { return directory_.path() + "/fifo"; }

 private:
  TemporaryDirectory directory_;
};

Command cat() { return Command("/bin/cat"); }

RunOptions for_a_moment() {
  RunOptions options;
  options.timeout = absl::Milliseconds(10);
  return options;
}

void expect_given_up(const Command& command, const std::string& path) {
  const auto ran = run(command, for_a_moment());
  ASSERT_TRUE(ran.has_error());
  EXPECT_EQ(ran.error().step, RunError::Step::kSpawn);
  EXPECT_EQ(ran.error().code, std::errc::timed_out);
  ASSERT_TRUE(ran.error().spawn_error.has_value());
  EXPECT_EQ(ran.error().spawn_error->step, SpawnError::Step::kOpenFile);
  EXPECT_EQ(ran.error().spawn_error->subject, path);
}

TEST(RunFifo, ThatNobodyOpensIsAnErrorAfterTheTimeout) {
  for (const bool on_reaper : {false, true}) {
    const Fifo fifo;
    expect_given_up(cat().stdin_from(Stdio::file(fifo.path())).die_with_parent(on_reaper), fifo.path());
    expect_given_up(cat().stdout_to(Stdio::file(fifo.path())).die_with_parent(on_reaper), fifo.path());
    expect_given_up(cat().stderr_to(Stdio::append_file(fifo.path())).die_with_parent(on_reaper), fifo.path());
  }
}

TEST(RunFifo, ThatNobodyOpensIsAnErrorWhereTheLaunchIsAsForkDoesIt) {
  run_isolated([] {
    const Fifo fifo;
    ASSERT_TRUE(refuse_system_calls({refused_shared_clone()}));
    expect_given_up(cat().stdin_from(Stdio::file(fifo.path())), fifo.path());
  });
}

TEST(RunFifo, ThatIsOpenedInTimeIsReadToItsEnd) {
  const Fifo fifo;
  std::thread writer([&fifo] {
    const int fd = ::open(fifo.path().c_str(), O_WRONLY | O_CLOEXEC);  // waits for the child
    EXPECT_EQ(::write(fd, "hello", 5), 5);
    ::close(fd);
  });
  RunOptions options;
  options.timeout = kBound;
  const auto ran = run(cat().stdin_from(Stdio::file(fifo.path())), options);
  writer.join();
  ASSERT_TRUE(ran.has_value()) << ran.error();
  EXPECT_EQ(ran.value().status, ExitStatus::exited(0));
  EXPECT_EQ(ran.value().stdout_output.text(), "hello");
}

TEST(RunFifo, AFileThatIsMissingIsAnErrorAtOnceThoughThereIsATimeout) {
  RunOptions options;
  options.timeout = absl::Seconds(1000);
  const auto ran = run(cat().stdin_from(Stdio::file("/no/such/file")), options);
  ASSERT_TRUE(ran.has_error());
  EXPECT_EQ(ran.error().code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(ran.error().spawn_error->subject, "/no/such/file");
}

TEST(RunFifo, AProgramThatIsMissingIsAnErrorAtOnceThoughThereIsATimeout) {
  RunOptions options;
  options.timeout = absl::Seconds(1000);
  const auto ran = run(Command("/no/such/program").stdin_from(Stdio::file("/dev/null")), options);
  ASSERT_TRUE(ran.has_error());
  EXPECT_EQ(ran.error().spawn_error->step, SpawnError::Step::kExec);
  EXPECT_EQ(ran.error().code, std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace warden::test_support
