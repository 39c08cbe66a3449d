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
constexpr int kCapacity = 256 * 1024;  // of a pipe of warden's

// GiB a second, through the library.
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
  return 1e6 / taken;
}

// What a read loop does with each piece; 0 for a pipe as it comes from the kernel.
template <class Take>
double read_loop_rate(int capacity, Take take) {
  int ends[2];
  require(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  if (capacity != 0) require(::fcntl(ends[0], F_SETPIPE_SZ, capacity) >= capacity, "F_SETPIPE_SZ");
  std::vector<char> buffer(kCapacity);
  std::uint64_t total = 0;
  const double taken = microseconds_of([&] {
    const int pid = posix_spawn_tiny_writing(ends[1]);
    ::close(ends[1]);
    for (ssize_t size = 0; (size = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
      total += static_cast<std::uint64_t>(size);
      take(buffer.data(), static_cast<std::size_t>(size));
    }
    waitpid_success(pid);
  });
  ::close(ends[0]);
  require(total == kGiB, "the read loop has not seen everything");
  return 1e6 / taken;
}

double discard_rate(int capacity) {
  return read_loop_rate(capacity, [](const char*, std::size_t) {});
}

double append_rate() {
  std::string kept;
  return read_loop_rate(kCapacity, [&kept](const char* data, std::size_t size) { kept.append(data, size); });
}

Comparison discarded(int rounds) {
  return compare(
      rounds, [] { return capture_rate(0); }, [] { return discard_rate(kCapacity); });
}

Comparison discarded_against_default(int rounds) {
  return compare(
      rounds, [] { return capture_rate(0); }, [] { return discard_rate(0); });
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
      {"keep", "1 GiB of output kept, rate", "read loop, std::string::append", 1.5, 0, true, kept, true},
  };
}

}  // namespace warden::benchmark
