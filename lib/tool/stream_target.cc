#include "lib/tool/stream_target.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace warden::tool {
namespace {

// A pipe that poll(2) calls writable takes so much without blocking (PIPE_BUF, pipe(7)).
constexpr std::size_t kMost = 4096;

// Not a file, which would get a position of its own. Not the master of a terminal: to open it makes another terminal.
bool can_be_opened_anew(int fd, const struct stat& info) {
  const bool is_master = info.st_rdev == ::makedev(5, 2);
  return S_ISFIFO(info.st_mode) || (S_ISCHR(info.st_mode) && !is_master && ::isatty(fd) == 1);
}

UniqueFd open_anew(int fd) {
  struct stat wanted = {};
  struct stat found = {};
  if (::fstat(fd, &wanted) != 0 || !can_be_opened_anew(fd, wanted)) return UniqueFd();
  UniqueFd anew(::open(absl::StrCat("/proc/self/fd/", fd).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (anew.get() < 0 || ::fstat(anew.get(), &found) != 0) return UniqueFd();
  const bool is_same = found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino;
  return is_same ? std::move(anew) : UniqueFd();
}

}  // namespace

UniqueFd open_target(int fd) {
  UniqueFd target = open_anew(fd);
  if (target.get() < 0) target = UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (target.get() < 0 && errno == EBADF) target = UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return raise_above_stdio(std::move(target));
}

ssize_t write_some(const UniqueFd& target, std::string_view bytes) {
  const std::size_t size = std::min(bytes.size(), kMost);
  const ssize_t sent = ::send(target.get(), bytes.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  return ::write(target.get(), bytes.data(), size);
}

void block_signals_of_writing() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGTTOU}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace warden::tool
