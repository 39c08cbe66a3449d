// Where the tool's report goes.
#ifndef WARDEN_LIB_TOOL_REPORT_FILE_H_
#define WARDEN_LIB_TOOL_REPORT_FILE_H_

#include <string>

#include "lib/os/unique_fd.h"

namespace warden::tool {

using internal::UniqueFd;

// A file opened before the program is started, so that one that cannot be had is known in time; or one of the tool's
// own streams, which is not opened anew: a file behind it would be emptied, and written from its beginning.
class ReportFile {
 public:
  // 0, or an errno. Empties what the file had.
  int open(const std::string& path);
  void use_stderr();

  // 0, or an errno. Waits for who reads, and no signal ends the tool for it (SIGPIPE, SIGXFSZ, SIGTTOU).
  int write(const std::string& text);

 private:
  UniqueFd opened_;
  int fd_ = -1;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_REPORT_FILE_H_
