// Discarding bytes of a pipe, on pipes without a child.
#include "lib/output/null_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/os/pipe.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/seccomp_filter.h"
#include "test/support/temporary_directory.h"

namespace warden::internal {
namespace {

constexpr std::size_t kMuch = 1'000'000;

// A pipe that contains these bytes.
struct FullPipe {
  explicit FullPipe(const std::string& bytes) {
    EXPECT_EQ(make_pipe(&pipe), 0);
    write(bytes);
  }
  void write(const std::string& bytes) {
    EXPECT_EQ(::write(pipe.write_end.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  int fd() const { return pipe.read_end.get(); }
  // Takes and returns what the pipe contains.
  std::string rest() {
    int available = 0;
    EXPECT_EQ(::ioctl(fd(), FIONREAD, &available), 0);
    std::string bytes(static_cast<std::size_t>(available), '\0');
    // An empty pipe would make the read block.
    EXPECT_TRUE(available == 0 || ::read(fd(), bytes.data(), bytes.size()) == available);
    return bytes;
  }

  Pipe pipe;
};

// A sink that is open.
struct OpenSink {
  OpenSink() { EXPECT_TRUE(sink.open()); }
  std::size_t swallow(const FullPipe& from, std::size_t most = kMuch) { return sink.swallow(from.fd(), most); }

  NullSink sink;
};

TEST(NullSink, TakesAsMuchAsItIsToldFromTheBeginning) {
  FullPipe full("abcdef");
  OpenSink open;
  EXPECT_EQ(open.swallow(full, 4), 4u);
  EXPECT_EQ(full.rest(), "ef");
}

TEST(NullSink, TakesWhatIsThereAndWaitsForNoMore) {
  FullPipe full("abc");
  OpenSink open;
  EXPECT_EQ(open.swallow(full), 3u);
  EXPECT_EQ(open.swallow(full), 0u);
  full.write("de");
  EXPECT_EQ(open.swallow(full), 2u);
  full.pipe.write_end.reset();
  EXPECT_EQ(open.swallow(full), 0u);
}

TEST(NullSink, TakesNothingUnlessItIsOpen) {
  FullPipe full("abc");
  OpenSink open;
  open.sink.close();
  open.sink.close();
  EXPECT_EQ(open.swallow(full), 0u);
  EXPECT_EQ(NullSink().swallow(full.fd(), kMuch), 0u);
  EXPECT_EQ(full.rest(), "abc");
}

std::map<int, std::string> open_files() { return test_support::ProcessSnapshot::take().descriptors; }

// The descriptors that are not in `before`.
std::vector<int> added(const std::map<int, std::string>& before) {
  std::vector<int> numbers;
  for (const auto& [fd, file] : open_files()) {
    if (before.count(fd) == 0) numbers.push_back(fd);
  }
  return numbers;
}

TEST(NullSink, HasOneDescriptorUntilItsEnd) {
  const FullPipe full("abc");
  const auto before = open_files();
  {
    OpenSink open;
    EXPECT_EQ(added(before).size(), 1u);
    EXPECT_EQ(::fcntl(added(before).at(0), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(open.swallow(full, 1), 1u);
    EXPECT_EQ(added(before).size(), 1u);
  }
  EXPECT_EQ(open_files(), before);
}

TEST(NullSink, StandsInNoClosedStandardStream) {
  for (const int closed : {0, 1, 2}) {
    test_support::run_isolated_unchecked([closed] {
      ::close(closed);
      const auto before = open_files();
      const OpenSink open;
      EXPECT_GT(added(before).at(0), 2);
    });
  }
}

// The host closes all descriptors and opens files of its own.
TEST(NullSink, WritesToNoFileThatHasItsNumberSince) {
  FullPipe full("abc");
  const auto before = open_files();
  OpenSink open;
  const int number = added(before).at(0);
  const FullPipe host("");
  ASSERT_EQ(::dup2(host.pipe.write_end.get(), number), number);
  EXPECT_EQ(open.swallow(full), 0u);
  EXPECT_EQ(full.rest(), "abc");
  open.sink.close();
  EXPECT_EQ(::close(number), 0) << "it is the host's, and open";
}

// In a chroot a plain file may stand in place of /dev/null.
TEST(NullSink, IsNoOtherFile) {
  const test_support::TemporaryDirectory directory;
  const std::string impostor = directory.path("null");
  std::ofstream(impostor) << "kept";
  const auto before = open_files();
  NullSink sink;
  EXPECT_FALSE(sink.open(impostor.c_str()));
  EXPECT_EQ(open_files(), before);
  std::string text;
  std::getline(std::ifstream(impostor), text, '\0');
  EXPECT_EQ(text, "kept");
}

TEST(NullSink, IsNoOtherDevice) { EXPECT_FALSE(NullSink().open("/dev/zero")); }

TEST(NullSink, IsNotHeldByAFifoThatNobodyReads) {
  const test_support::TemporaryDirectory directory;
  const std::string impostor = directory.path("null");
  ASSERT_EQ(::mkfifo(impostor.c_str(), 0600), 0);
  EXPECT_FALSE(NullSink().open(impostor.c_str()));
}

TEST(NullSink, TakesNothingWhereTheCallIsRefused) {
  for (const int error : {EPERM, ENOSYS}) {
    test_support::run_isolated([error] {
      test_support::refuse_system_calls({{SYS_splice, error}});
      FullPipe full("abc");
      OpenSink open;
      EXPECT_EQ(open.swallow(full), 0u);
      EXPECT_EQ(open.swallow(full), 0u);
      EXPECT_EQ(full.rest(), "abc");
    });
  }
}

TEST(NullSink, IsNotToBeHadWithoutADescriptor) {
  test_support::run_isolated_unchecked([] {
    rlimit limit = {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_FALSE(NullSink().open());
  });
}

}  // namespace
}  // namespace warden::internal
