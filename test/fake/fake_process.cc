#include "test/fake/fake_process.h"

#include "absl/strings/str_cat.h"

namespace warden::internal {

std::string FakeProcess::proc_file(std::string_view name) const {
  const char letter = main_thread_gone || !alive() ? 'Z' : unkillable ? 'D' : stopped ? 'T' : 'S';
  const std::string shown(1, letter);
  const int threads = main_thread_gone && alive() ? 2 : 1;
  if (name == "stat") {
    return absl::StrCat(pid, " (", program, ") ", shown, " 1 ", group, " ", group,
                        " 0 -1 4194560 95 0 0 0 0 0 0 0 20 0 ", threads, " 0 ", start_time,
                        " 2875392 240 18446744073709551615 1 1 0\n");
  }
  if (name == "status") {
    return absl::StrCat("Name:\t", program, "\nUmask:\t0022\nState:\t", shown, " (words)\nTgid:\t", pid, "\nPid:\t",
                        pid, "\nPPid:\t1\nTracerPid:\t", tracer_pid, "\nUid:\t", uid, "\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
  }
  return name == "comm" ? program + "\n" : wait_channel;
}

}  // namespace warden::internal
