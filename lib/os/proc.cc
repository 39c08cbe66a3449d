#include "lib/os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lib/os/kernel_abi.h"
#include "lib/os/process_visits.h"
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
// Room for any entry of /proc.
constexpr std::size_t kLongEntry = 280;

// How many processes that are born during the visits are visited, too, beside as many as there were before.
constexpr std::size_t kMostBorn = 1000;

// The number that an entry has for its name; -1 for another name.
int number_of(const DirectoryEntry& entry) {
  int number = -1;
  return absl::SimpleAtoi(entry.name, &number) ? number : -1;
}

// Reads one entry, as a rule: returns its size, 0 at the end, or -1.
long read_entry(int directory, char* buffer) {
  const long size = ::syscall(SYS_getdents64, directory, buffer, kOneEntry);
  if (size >= 0 || errno != EINVAL) return size;
  return ::syscall(SYS_getdents64, directory, buffer, kLongEntry);
}

// The first number above `last` in what read_entry() has read; -1 where there is none.
int first_above(int last, const char* buffer, long size) {
  for (long at = 0; at < size;) {
    const auto& entry = *reinterpret_cast<const DirectoryEntry*>(buffer + at);
    if (number_of(entry) > last) return number_of(entry);
    at += entry.length;
  }
  return -1;
}

// Calls `visit` for the numeric names from `first` on, in ascending order, `most` at most. With an entry the kernel
// looks for the next one already; so each entry is read once more after its visit, and the next one looked for then.
// False where a call fails, `visit` returns false, or there are more.
bool visit_ascending(const char* path, int first, std::size_t most, const std::function<bool(int number)>& visit) {
  const UniqueFd directory(open_above_stdio(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return false;
  alignas(DirectoryEntry) char buffer[kLongEntry];
  for (int last = first - 1;;) {
    const off_t before = ::lseek(directory.get(), 0, SEEK_CUR);
    const long size = read_entry(directory.get(), buffer);
    if (size <= 0 || before < 0) return size == 0 && before >= 0;
    const int number = first_above(last, buffer, size);
    if (number < 0) continue;  // visited, or no process
    if (most-- == 0 || !visit(number)) return false;
    last = number;
    if (::lseek(directory.get(), before, SEEK_SET) < 0) return false;
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

bool visit_proc(int newest, const std::function<int()>& newest_now, const std::function<bool(int pid)>& visit) {
  std::vector<int> pids;
  if (!is_own_proc() || list_numbers("/proc", &pids) != 0) return false;
  const auto lists = [&pids](int pid) { return std::find(pids.begin(), pids.end(), pid) != pids.end(); };
  ProcessVisits visits;
  visits.visit_from = [&pids](int first, const VisitProcess& visit_one) {
    // More than twice as many are there only where some are born as fast as others are visited.
    return visit_ascending("/proc", first, 2 * pids.size() + kMostBorn, visit_one);
  };
  visits.list = [](std::vector<int>* now) { return list_numbers("/proc", now) == 0; };
  visits.newest = newest_now;
  return visit_in_order(visits, pids, newest, visit) && lists(::getpid()) && lists(1) &&
         !(is_first_ours() && may_hide_processes());
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
