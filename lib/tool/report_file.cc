#include "lib/tool/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <string_view>

#include "lib/tool/stream_target.h"

namespace warden::tool {
namespace {

// -1 for any other path.
int own_stream(const std::string& path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  return path == "/dev/stderr" ? STDERR_FILENO : -1;
}

}  // namespace

int ReportFile::open(const std::string& path) {
  fd_ = own_stream(path);
  if (fd_ >= 0) return ::fcntl(fd_, F_GETFD) < 0 ? errno : 0;
  opened_ = raise_above_stdio(UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)));
  fd_ = opened_.get();
  return fd_ < 0 ? errno : 0;
}

void ReportFile::use_stderr() { fd_ = STDERR_FILENO; }

int ReportFile::write(const std::string& text) {
  block_signals_of_writing();
  for (std::string_view left = text; !left.empty();) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd polled = {fd_, POLLOUT, 0};
      ::poll(&polled, 1, -1);
    } else {
      return errno;
    }
  }
  return 0;
}

}  // namespace warden::tool
