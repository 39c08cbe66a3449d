// Passes one stream of the program on to the tool's own: the bytes as they are, as soon as they come.
#ifndef WARDEN_LIB_TOOL_STREAM_PUMP_H_
#define WARDEN_LIB_TOOL_STREAM_PUMP_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "lib/os/unique_fd.h"

namespace warden::tool {

using internal::UniqueFd;

// Reads on a thread of its own, and reads no more while the target takes no more, so that a slow reader holds the
// program back as it would without the tool. When the target can take no more at all, the pipe is closed: the
// program's next write gets SIGPIPE or EPIPE.
class StreamPump {
 public:
  using Clock = std::chrono::steady_clock;
  using Observer = std::function<void(std::string_view bytes)>;

  // Owns the read end of a pipe and a descriptor to write to. `observe` runs on the thread, before the bytes pass on.
  // `wake` is an eventfd.
  StreamPump(UniqueFd source, UniqueFd target, UniqueFd wake, Observer observe);
  // Gives up at once if join() was not called.
  ~StreamPump();

  // For when the program has ended: passes on what has come by the deadline, and does not wait for a process that holds
  // the pipe longer.
  void expect_end_by(Clock::time_point deadline);
  // From then on writes nothing and waits for no process. The earliest of several calls counts.
  void give_up_at(Clock::time_point deadline);
  // Waits for the thread's end.
  void join();

  // To be read after join(). The destructor closes the pipe; a write error closes it before.
  struct Result {
    std::uint64_t total_bytes = 0;   // read
    std::uint64_t passed_bytes = 0;  // and written
    bool complete = false;           // the end of the stream was seen
    std::error_code write_error;     // why the pipe was closed before
  };
  const Result& result() const { return result_; }

 private:
  enum class Side { kRead, kWrite };

  void run();
  bool wait_ready(int fd, Side side);
  std::optional<Clock::time_point> deadline(Side side);
  void wake_up();
  void pause();
  // Reads once and passes it on. 0 at the end and when it cannot go on.
  std::size_t pass_some(std::size_t most);
  void pass_rest();
  bool write_all(std::string_view bytes);

  UniqueFd source_, target_, wake_;
  Observer observe_;
  std::mutex mutex_;
  std::optional<Clock::time_point> end_by_, give_up_;
  std::vector<char> buffer_;
  Result result_;
  std::thread thread_;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_STREAM_PUMP_H_
