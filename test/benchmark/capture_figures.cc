// A child's output, captured.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "test/benchmark/figure.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

constexpr std::uint64_t kGiB = 1024 * 1024 * 1024;
constexpr int kCapacity = 256 * 1024;  // of warden's capture pipe
constexpr std::size_t kTail = 4097;    // bytes that are kept of the discarded output

// The capture rate through the library, in GiB a second.
double capture_rate(std::uint64_t limit) {
  CaptureOptions options;
  options.limit = limit;
  const Command command = tiny_command("w").stdout_to(Stdio::capture(options));
  Output output;
  const double taken = microseconds_of([&] {
    Child child = spawn_tiny(command);
    require_success(child.wait().value());
    require(child.drain_output(absl::InfiniteDuration()).value().complete(), "the output is not complete");
    output = child.output(OutputStream::kStdout).value();
  });
  require(output.complete() && output.total_bytes() == kGiB, "not all of the output was seen");
  require(output.size() == (limit == 0 ? 0 : kGiB), "not what was to be kept");
  require(output.tail().size() == (limit == 0 ? kTail : 0), "not the end of what was discarded");
  return 1e6 / taken;
}

// Reads a pipe to its end in a loop; `take` returns how many bytes it took. The pipe has that capacity, or the kernel's
// default for 0.
template <class Take>
double loop_rate(int capacity, Take take) {
  int ends[2];
  require(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  if (capacity != 0) require(::fcntl(ends[0], F_SETPIPE_SZ, capacity) >= capacity, "F_SETPIPE_SZ");
  std::uint64_t total = 0;
  const double taken = microseconds_of([&] {
    const int pid = posix_spawn_tiny_writing(ends[1]);
    ::close(ends[1]);
    for (ssize_t size = 0; (size = take(ends[0])) > 0;) total += static_cast<std::uint64_t>(size);
    waitpid_success(pid);
  });
  ::close(ends[0]);
  require(total == kGiB, "the loop has not seen everything");
  return 1e6 / taken;
}

double discard_rate(int capacity) {
  std::vector<char> buffer(kCapacity);
  return loop_rate(capacity, [&buffer](int fd) { return ::read(fd, buffer.data(), buffer.size()); });
}

double append_rate() {
  std::vector<char> buffer(kCapacity);
  std::string kept;
  return loop_rate(kCapacity, [&](int fd) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size > 0) kept.append(buffer.data(), static_cast<std::size_t>(size));
    return size;
  });
}

// A reader that does next to nothing: the time that is left is the writer's.
double splice_rate() {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  require(null >= 0, "/dev/null");
  const double rate =
      loop_rate(kCapacity, [null](int fd) { return ::splice(fd, nullptr, null, nullptr, std::size_t{1} << 30, 0); });
  ::close(null);
  return rate;
}

Comparison discarded(int rounds) {
  return compare(
      rounds, [] { return capture_rate(0); }, [] { return discard_rate(kCapacity); });
}

Comparison discarded_against_default(int rounds) {
  return compare(
      rounds, [] { return capture_rate(0); }, [] { return discard_rate(0); });
}

Comparison spliced_against_default(int rounds) {
  return compare(
      rounds, [] { return splice_rate(); }, [] { return discard_rate(0); });
}

Comparison kept(int rounds) {
  return compare(
      rounds, [] { return capture_rate(CaptureOptions::kUnbounded); }, append_rate);
}

}  // namespace

std::vector<Figure> capture_figures() {
  return {
      {"discard", "1 GiB of output discarded, rate", "read loop, same capacity", 0.95, 0, true, discarded, true},
      {"discard_default", "the same", "read loop, default pipe", 0, 3, true, discarded_against_default, true},
      {"discard_bare", "a bare splice loop to /dev/null, rate", "read loop, default pipe", 0, 0, true,
       spliced_against_default, true},
      {"keep", "1 GiB of output kept, rate", "read loop, std::string::append", 1.5, 0, true, kept, true},
  };
}

}  // namespace warden::benchmark
