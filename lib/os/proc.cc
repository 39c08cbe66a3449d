#include "lib/os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lib/os/unique_fd.h"

namespace warden::internal {
namespace {

// The descriptor, or -errno.
int open_above_stdio(const char* path, int flags) {
  const int fd = ::open(path, flags);
  return fd < 0 ? -errno : raise_above_stdio(fd);
}

// Whether the numbers in /proc are those of our pid namespace. They are not where a process has entered a namespace
// without mounting its proc: "NSpid" of /proc/self/status (Linux 4.1) then has that proc's number first, and ours
// after.
bool is_own_proc() {
  std::string status;
  if (read_proc_file("/proc/self/status", &status) != 0) return false;
  const absl::string_view numbers = status_field(status, "NSpid");
  return numbers.empty() || numbers == absl::StrCat(::getpid());
}

// Whether /proc is mounted so that it may leave out processes that we may not trace (hidepid, proc(5)).
bool may_hide_processes() {
  std::string mounts;
  if (read_proc_file("/proc/self/mountinfo", &mounts) != 0) return true;
  bool hides = true;
  for (const absl::string_view line : absl::StrSplit(mounts, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    if (fields.size() > 4 && fields[4] == "/proc") hides = absl::StrContains(fields.back(), "hidepid=");  // the topmost
  }
  return hides;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

int list_numbers(const char* path, std::vector<int>* numbers) {
  numbers->clear();
  const int fd = open_above_stdio(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fd;
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd));
  if (directory == nullptr) {
    ::close(fd);
    return -ENOMEM;
  }
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    int number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) numbers->push_back(number);
  }
  return -errno;
}

bool list_proc(std::vector<int>* pids) {
  if (!is_own_proc() || list_numbers("/proc", pids) != 0) return false;
  const auto lists = [pids](int pid) { return std::find(pids->begin(), pids->end(), pid) != pids->end(); };
  // That process 1 is listed shows that nothing is hidden (hidepid, proc(5)), unless we are process 1.
  return lists(::getpid()) && lists(1) && (::getpid() != 1 || !may_hide_processes());
}

int read_newest_pid() {
  std::string text;
  const int error = read_proc_file("/proc/loadavg", &text);  // its last field
  if (error != 0) return error;
  const std::size_t space = text.rfind(' ');
  int pid = 0;
  const bool is_number = absl::SimpleAtoi(text.substr(space == std::string::npos ? 0 : space), &pid);
  return is_number && pid > 0 ? pid : -EINVAL;
}

int read_proc_file(const char* path, std::string* text) {
  const int fd = open_above_stdio(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  const UniqueFd file(fd);
  text->clear();
  char buffer[1024];
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    if (count == 0) return 0;
    text->append(buffer, static_cast<std::size_t>(count));
  }
}

absl::string_view status_field(absl::string_view status, absl::string_view name) {
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    if (line.size() > name.size() && line.substr(0, name.size()) == name && line[name.size()] == ':') {
      return absl::StripAsciiWhitespace(line.substr(name.size() + 1));
    }
  }
  return {};
}

}  // namespace warden::internal
