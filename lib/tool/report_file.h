// The file or stream that the tool's report goes to.
#ifndef WARDEN_LIB_TOOL_REPORT_FILE_H_
#define WARDEN_LIB_TOOL_REPORT_FILE_H_

#include <string>

#include "lib/os/unique_fd.h"

namespace warden::tool {

using internal::UniqueFd;

// A file, opened before the program is started, so that a failure is known in time; or one of the tool's own streams,
// which is not opened anew: that would empty a file behind it, and write from its beginning.
class ReportFile {
 public:
  // 0, or an errno. Empties what the file had.
  int open(const std::string& path);
  void use_stderr();

  // 0, or an errno. Waits for a slow reader; blocks the signals that could end the tool for it (SIGPIPE, SIGXFSZ,
  // SIGTTOU).
  int write(const std::string& text);

 private:
  UniqueFd opened_;
  int fd_ = -1;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_REPORT_FILE_H_
