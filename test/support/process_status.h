// What /proc/PID/status says of a process (proc(5)).
#ifndef WARDEN_TEST_SUPPORT_PROCESS_STATUS_H_
#define WARDEN_TEST_SUPPORT_PROCESS_STATUS_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "lib/os/proc.h"

namespace warden::test_support {

// Empty where the process is gone.
inline std::string process_status(int pid, const char* field) {
  std::string status;
  internal::read_proc_file(absl::StrCat("/proc/", pid, "/status").c_str(), &status);
  return std::string(internal::status_field(status, field));
}

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_PROCESS_STATUS_H_
