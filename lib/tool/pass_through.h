// Both streams of the program on their way through the tool, with what is looked for and kept on it.
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
  // Opens the pipes and reads them. Null, with a message on stderr, when that cannot be.
  static std::unique_ptr<PassThrough> open(const PassThroughOptions& options);
  ~PassThrough();

  // Leads the command's stdout and stderr here.
  void direct_to_it(Command* command) const;
  // After the spawn: the program alone has the write ends then.
  void close_write_ends();

  // Whether the line was on one of them.
  bool is_ready() const;

  // From then on nobody who reads the tool's streams is waited for.
  void give_up_after(absl::Duration time);
  // Passes on what is there. Blocks: until the end of both streams, or for the time when somebody holds them; and, up
  // to the time of give_up_after(), for whoever reads the tool's streams.
  RunOutput finish(absl::Duration time);

 private:
  class Stream;
  PassThrough(std::unique_ptr<Stream> out, std::unique_ptr<Stream> err);

  std::unique_ptr<Stream> out_, err_;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_PASS_THROUGH_H_
