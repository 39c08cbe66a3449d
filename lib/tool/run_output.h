// What the report says of the program's streams, where they went through the tool.
#ifndef WARDEN_LIB_TOOL_RUN_OUTPUT_H_
#define WARDEN_LIB_TOOL_RUN_OUTPUT_H_

#include <cstdint>
#include <optional>
#include <system_error>

#include "lib/output/pipe_holders.h"
#include "lib/tool/stream_tail.h"

namespace warden::tool {

struct StreamOutput {
  std::uint64_t total_bytes = 0;
  std::uint64_t passed_bytes = 0;
  bool complete = false;          // the end of the stream was seen
  std::error_code write_error;    // why it was closed before
  internal::PipeHolders held_by;  // when it is not complete
  std::optional<TailLines> tail;  // with --tail

  // The reader of the tool's stream has closed it, as `head -1` does.
  bool was_closed_by_reader() const { return write_error == std::errc::broken_pipe; }
  bool was_lost() const { return passed_bytes < total_bytes && !was_closed_by_reader(); }
  bool is_held() const { return !complete && !write_error; }
};

struct RunOutput {
  StreamOutput stdout_stream, stderr_stream;
};

// What became of --ready-line.
enum class ReadyState {
  kReady,
  kNeverReady,  // the tool has ended the program for that
  kEnded,       // the program has ended, or was ended for another reason, without the line
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_RUN_OUTPUT_H_
