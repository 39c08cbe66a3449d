#include "test/internal/fake_process.h"

#include "absl/strings/str_cat.h"

namespace warden::internal {

std::string FakeProcess::stat() const {
  const char letter = main_thread_gone || !alive() ? 'Z' : stopped ? 'T' : 'S';
  const int threads = main_thread_gone && alive() ? 2 : 1;
  return absl::StrCat(pid, " (", program, ") ", std::string(1, letter), " 1 ", group, " ", group,
                      " 0 -1 4194560 95 0 0 0 0 0 0 0 20 0 ", threads, " 0 ", start_time,
                      " 2875392 240 18446744073709551615 1 1 0\n");
}

}  // namespace warden::internal
