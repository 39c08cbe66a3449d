#include "test/attack/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace warden::attack {

std::string read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char text[4096];
  const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text));
  if (fd >= 0) close(fd);
  return std::string(text, static_cast<std::size_t>(size > 0 ? size : 0));
}

bool write_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) > 0;
  if (fd >= 0) close(fd);
  return written;
}

std::string proc(int pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

int parent_of(int pid) {
  const std::string stat = read_file(proc(pid, "stat"));
  const std::size_t end = stat.rfind(')');
  return end == std::string::npos ? 0 : atoi(stat.c_str() + end + 4);
}

int open_process(int pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
int send_signal(int pidfd, int number) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0));
}

}  // namespace warden::attack
