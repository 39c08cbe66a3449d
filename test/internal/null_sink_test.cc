// Bytes of a pipe that nobody wants, on pipes without a child.
#include "lib/internal/null_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "lib/internal/pipe.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/seccomp_filter.h"

namespace warden::internal {
namespace {

constexpr std::size_t kMuch = 1'000'000;

// A pipe that has these bytes.
struct FullPipe {
  explicit FullPipe(const std::string& bytes) {
    EXPECT_EQ(make_pipe(&pipe), 0);
    write(bytes);
  }
  void write(const std::string& bytes) {
    EXPECT_EQ(::write(pipe.write_end.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  int fd() const { return pipe.read_end.get(); }
  // What is in it, which goes.
  std::string rest() {
    int available = 0;
    EXPECT_EQ(::ioctl(fd(), FIONREAD, &available), 0);
    std::string bytes(static_cast<std::size_t>(available), '\0');
    // Without a byte a read would wait for one.
    EXPECT_TRUE(available == 0 || ::read(fd(), bytes.data(), bytes.size()) == available);
    return bytes;
  }

  Pipe pipe;
};

TEST(NullSink, TakesAsMuchAsItIsToldFromTheBeginning) {
  FullPipe full("abcdef");
  NullSink sink;
  EXPECT_EQ(sink.swallow(full.fd(), 4), 4u);
  EXPECT_EQ(full.rest(), "ef");
}

TEST(NullSink, TakesWhatIsThereAndWaitsForNoMore) {
  FullPipe full("abc");
  NullSink sink;
  EXPECT_EQ(sink.swallow(full.fd(), kMuch), 3u);
  EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
  full.write("de");
  EXPECT_EQ(sink.swallow(full.fd(), kMuch), 2u);
  full.pipe.write_end.reset();
  EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
}

TEST(NullSink, LeavesNoDescriptorOpen) {
  const FullPipe full("abc");
  const auto before = testing::ProcessSnapshot::take().descriptors;
  NullSink sink;
  EXPECT_EQ(sink.swallow(full.fd(), 1), 1u);
  EXPECT_EQ(testing::ProcessSnapshot::take().descriptors, before);
}

// What a chroot may have in place of /dev/null.
class Impostor {
 public:
  Impostor() {
    char name[] = "/tmp/warden_null_sink_XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  ~Impostor() {
    ::unlink(path().c_str());
    ::rmdir(directory_.c_str());
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;
  std::string path() const { return directory_ + "/null"; }

 private:
  std::string directory_;
};

TEST(NullSink, WritesToNoOtherFile) {
  const Impostor impostor;
  std::ofstream(impostor.path()) << "kept";
  FullPipe full("abc");
  const std::string path = impostor.path();
  NullSink sink(path.c_str());
  EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
  EXPECT_EQ(full.rest(), "abc");
  std::string text;
  std::getline(std::ifstream(path), text, '\0');
  EXPECT_EQ(text, "kept");
}

TEST(NullSink, WritesToNoOtherDevice) {
  FullPipe full("abc");
  NullSink sink("/dev/zero");
  EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
  EXPECT_EQ(full.rest(), "abc");
}

TEST(NullSink, IsNotHeldByAFifoThatNobodyReads) {
  const Impostor impostor;
  const std::string path = impostor.path();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  FullPipe full("abc");
  NullSink sink(path.c_str());
  EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
  EXPECT_EQ(full.rest(), "abc");
}

TEST(NullSink, TakesNothingWhereTheCallIsRefused) {
  for (const int error : {EPERM, ENOSYS}) {
    testing::run_isolated([error] {
      testing::refuse_system_calls({{SYS_splice, error}});
      FullPipe full("abc");
      NullSink sink;
      EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
      EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
      EXPECT_EQ(full.rest(), "abc");
    });
  }
}

TEST(NullSink, TakesAgainOnceADescriptorIsLeft) {
  testing::run_isolated_unchecked([] {
    FullPipe full("abc");
    NullSink sink;
    rlimit before = {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none = {0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(sink.swallow(full.fd(), kMuch), 0u);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(sink.swallow(full.fd(), kMuch), 3u);
  });
}

}  // namespace
}  // namespace warden::internal
