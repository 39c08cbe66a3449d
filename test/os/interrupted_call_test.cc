// Calls that block and that a signal's handler interrupts (EINTR): each is made again. The library makes them on its
// own threads, where every signal is blocked, and on the caller's.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "lib/os/pipe.h"
#include "lib/os/proc.h"
#include "lib/os/read_fd.h"
#include "lib/os/sys.h"
#include "test/support/interrupted_call.h"
#include "test/support/temporary_directory.h"

namespace warden::internal {
namespace {

using test_support::InterruptedCall;
using test_support::TemporaryDirectory;

TEST(InterruptedCall, ThatReadsIsMadeAgain) {
  Pipe pipe;
  ASSERT_EQ(make_pipe(&pipe), 0);
  char byte = '?';
  ssize_t got = -1;
  InterruptedCall call([&] { got = read_fd(pipe.read_end.get(), &byte, 1); });
  EXPECT_TRUE(call.goes_on());
  EXPECT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  call.join();
  EXPECT_EQ(got, 1);
  EXPECT_EQ(byte, 'x');
}

TEST(InterruptedCall, ThatWaitsForAChildByNumberIsMadeAgain) {
  Pipe pipe;
  ASSERT_EQ(make_pipe(&pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    pipe.write_end.reset();
    char end;
    ::_exit(::read(pipe.read_end.get(), &end, 1) == 0 ? 7 : 1);
  }
  InterruptedCall call([child] { linux_sys().block_until_waitable(child); });
  EXPECT_TRUE(call.goes_on());
  pipe.write_end.reset();
  call.join();
  EXPECT_EQ(linux_sys().look({child, -1}, Reap::kCollect).status, ExitStatus::exited(7));
}

TEST(InterruptedCall, ThatPollsIsMadeAgain) {
  Pipe pipe;
  ASSERT_EQ(make_pipe(&pipe), 0);
  const int reader = pipe.read_end.get();
  InterruptedCall call([&reader] { EXPECT_TRUE(linux_sys().poll_readable(&reader, 1, TimePoint::max())); });
  EXPECT_TRUE(call.goes_on());
  EXPECT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  call.join();
}

// A file of /proc that a file system in user space provides (lxcfs) can be interrupted. Here it is a FIFO.
TEST(InterruptedCall, ThatReadsAFileOfProcIsMadeAgain) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("loadavg");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  UniqueFd writer(::open(path.c_str(), O_RDWR | O_CLOEXEC));  // the open for reading waits for no other
  std::string text;
  int result = -1;
  InterruptedCall call([&] { result = read_proc_file(path.c_str(), &text); });
  EXPECT_TRUE(call.goes_on());
  EXPECT_EQ(::write(writer.get(), "text", 4), 4);
  EXPECT_TRUE(call.goes_on());
  writer.reset();
  call.join();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(text, "text");
}

}  // namespace
}  // namespace warden::internal
