#include "lib/terminate/stuck_process.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "lib/os/proc.h"

namespace warden::internal {
namespace {

absl::string_view first_word(absl::string_view text) { return text.substr(0, text.find_first_of("\t ")); }

std::string read_line(Sys& sys, int pid, const char* name) {
  std::string text;
  if (sys.read_proc(pid, name, &text) != 0) return {};
  return std::string(absl::StripAsciiWhitespace(text));
}

std::optional<StuckProcess> read_proc(Sys& sys, int pid) {
  std::string status;
  if (sys.read_proc(pid, "status", &status) != 0) return std::nullopt;
  StuckProcess process;
  process.pid = pid;
  process.program = std::string(status_field(status, "Name"));
  const absl::string_view state = status_field(status, "State");
  if (!state.empty()) process.state = state[0];
  if (!absl::SimpleAtoi(status_field(status, "TracerPid"), &process.tracer_pid)) process.tracer_pid = 0;
  if (process.tracer_pid != 0) process.tracer_program = read_line(sys, process.tracer_pid, "comm");
  if (!absl::SimpleAtoi(first_word(status_field(status, "Uid")), &process.uid)) process.uid = -1;
  process.wait_channel = read_line(sys, pid, "wchan");
  if (process.wait_channel == "0") process.wait_channel.clear();  // it is awake, or the kernel does not tell us
  return process;
}

}  // namespace

std::optional<StuckProcess> read_stuck_process(Sys& sys, int pid) {
  std::optional<StuckProcess> process;
  sys.with_free_descriptors([&] { process = read_proc(sys, pid); });
  return process;
}

}  // namespace warden::internal
