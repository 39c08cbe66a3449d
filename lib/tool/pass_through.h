// Passes both streams of the program through the tool, which looks for the ready line and keeps the tail.
#ifndef WARDEN_LIB_TOOL_PASS_THROUGH_H_
#define WARDEN_LIB_TOOL_PASS_THROUGH_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "lib/tool/run_output.h"
#include "lib/tool/stream_pump.h"
#include "warden/command.h"

namespace warden::tool {

struct PassThroughOptions {
  std::size_t tail = 0;  // 0: none
  std::size_t capture_limit = 1;
  std::string ready_line;  // empty: none

  bool wanted() const { return tail > 0 || !ready_line.empty(); }
};

// Thread-safe but for direct_to_it() and finish().
class PassThrough {
 public:
  // Opens the pipes and starts to read them. Null, with a message on stderr, when it cannot.
  static std::unique_ptr<PassThrough> open(const PassThroughOptions& options);
  ~PassThrough();

  // Makes the pipes the command's stdout and stderr.
  void direct_to_it(Command* command) const;
  // To be called after the spawn: then the program alone has the write ends.
  void close_write_ends();

  // Whether the ready line was on one of them.
  bool is_ready() const;

  // After that time the tool waits for no reader of its streams.
  void give_up_after(absl::Duration time);
  // Passes on what is there. Blocks until the end of both streams, or for `time` when a process holds them open; and,
  // up to the time of give_up_after(), for the readers of the tool's streams.
  RunOutput finish(absl::Duration time);

 private:
  class Stream;
  PassThrough(std::unique_ptr<Stream> out, std::unique_ptr<Stream> err);

  std::unique_ptr<Stream> out_, err_;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_PASS_THROUGH_H_
