#include "lib/os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lib/os/kernel_abi.h"
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

// Whether process 1 may belong to our own user. If not, that it is listed shows that nothing is hidden.
bool is_first_ours() {
  struct stat info = {};
  return ::stat("/proc/1", &info) != 0 || info.st_uid == ::geteuid() || info.st_uid == ::getuid();
}

// Room for the entry of one process: its number has seven digits at most, and a second entry does not fit.
constexpr std::size_t kOneEntry = 40;
// Room for any entry of /proc, such as "pressure" and "thread-self", which come before the processes.
constexpr std::size_t kLongEntry = 280;

// The number that an entry has for its name; -1 for another name.
int number_of(const DirectoryEntry& entry) {
  int number = -1;
  return absl::SimpleAtoi(entry.name, &number) ? number : -1;
}

// Reads one entry, as a rule: returns its size, 0 at the end, or -errno.
long read_entry(int directory, char* buffer) {
  const long size = ::syscall(SYS_getdents64, directory, buffer, kOneEntry);
  if (size < 0 && errno == EINVAL) return ::syscall(SYS_getdents64, directory, buffer, kLongEntry);
  return size < 0 ? -errno : size;
}

// Calls `visit` for the numeric names in ascending order, each before the kernel looks for the next. But the kernel
// looks for a next one after the last, too, before that has been visited; so the list is read again from the last one
// until that shows no other. False where a call fails or `visit` returns false.
bool visit_ascending(const char* path, const std::function<bool(int number)>& visit) {
  const UniqueFd directory(open_above_stdio(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return false;
  alignas(DirectoryEntry) char buffer[kLongEntry];
  std::int64_t before_last = 0;
  bool has_new = false;
  for (int last = -1;;) {
    const std::int64_t before = ::lseek(directory.get(), 0, SEEK_CUR);
    const long size = read_entry(directory.get(), buffer);
    if (size < 0 || before < 0) return false;
    if (size == 0 && !has_new) return true;
    if (size == 0 && ::lseek(directory.get(), before_last, SEEK_SET) < 0) return false;
    if (size == 0) has_new = false;
    for (long at = 0; at < size;) {
      const auto& entry = *reinterpret_cast<const DirectoryEntry*>(buffer + at);
      at += entry.length;
      const int number = number_of(entry);
      if (number <= last) continue;
      last = number;
      before_last = before;
      has_new = true;
      if (!visit(number)) return false;
    }
  }
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

bool visit_proc(const std::function<bool(int pid)>& visit) {
  if (!is_own_proc()) return false;
  bool has_self = false, has_first = false;
  const bool is_whole = visit_ascending("/proc", [&](int pid) {
    has_self = has_self || pid == ::getpid();
    has_first = has_first || pid == 1;
    return visit(pid);
  });
  return is_whole && has_self && has_first && !(is_first_ours() && may_hide_processes());
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
