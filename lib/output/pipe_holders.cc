#include "lib/output/pipe_holders.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "lib/os/proc.h"
#include "lib/os/process_table.h"

namespace warden::internal {
namespace {

// The link's own permissions say what the descriptor is open for (proc(5)). Opens and follows nothing: another file of
// the process may hang.
bool is_written_by(const std::string& link, const std::string& pipe) {
  std::string target(pipe.size() + 1, '\0');
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  if (size != static_cast<ssize_t>(pipe.size()) || target.compare(0, pipe.size(), pipe) != 0) return false;
  struct stat info = {};
  return ::lstat(link.c_str(), &info) == 0 && (info.st_mode & S_IWUSR) != 0;
}

// The descriptors in one directory of /proc. 0, or -errno when some may be missing.
int look_into(const std::string& directory, const std::string& pipe, bool* is_writer, bool* is_empty) {
  std::vector<int> fds;
  const int error = list_numbers(directory.c_str(), &fds);
  *is_empty = fds.empty();
  for (const int fd : fds) {
    *is_writer = is_written_by(absl::StrCat(directory, "/", fd), pipe);
    if (*is_writer) return 0;
  }
  return error;
}

std::optional<ProcessStat> stat_of(Sys& sys, int pid) {
  std::string text;
  if (sys.read_proc(pid, "stat", &text) != 0) return std::nullopt;
  return parse_stat(text);
}

// Whether the main thread has exited and others live. It has no descriptors any more; each of the others shows them.
bool lives_in_other_threads(Sys& sys, int pid) {
  const auto stat = stat_of(sys, pid);
  return stat.has_value() && (stat->state == 'Z' || stat->state == 'X') && !stat->is_dead();
}

bool may_be_missing(int error) { return error != 0 && error != -ENOENT && error != -ESRCH; }

int look_into_threads(int pid, const std::string& pipe, bool* is_writer) {
  const std::string tasks = absl::StrCat("/proc/", pid, "/task");
  std::vector<int> threads;
  int error = list_numbers(tasks.c_str(), &threads);
  for (const int thread : threads) {
    if (thread == pid) continue;
    bool is_empty = false;
    const int failed = look_into(absl::StrCat(tasks, "/", thread, "/fd"), pipe, is_writer, &is_empty);
    if (*is_writer) return 0;
    if (may_be_missing(failed)) error = failed;
  }
  return error;
}

int look_into_process(Sys& sys, int pid, const std::string& pipe, bool* is_writer) {
  bool is_empty = false;
  const int error = look_into(absl::StrCat("/proc/", pid, "/fd"), pipe, is_writer, &is_empty);
  return is_empty && lives_in_other_threads(sys, pid) ? look_into_threads(pid, pipe, is_writer) : error;
}

std::string program_of(Sys& sys, int pid) {
  const auto stat = stat_of(sys, pid);
  return stat.has_value() ? stat->program : std::string();
}

void look_into_all(Sys& sys, const std::string& pipe, PipeHolders* found) {
  bool could_look = true;
  const bool are_all_listed = sys.visit_processes(std::numeric_limits<int>::max(), [&](int pid) {
    bool is_writer = false;
    if (may_be_missing(look_into_process(sys, pid, pipe, &is_writer))) could_look = false;
    if (is_writer) found->holders.push_back({pid, program_of(sys, pid)});
    return true;
  });
  found->all_known = are_all_listed && could_look;
}

}  // namespace

PipeHolders find_writers(Sys& sys, ino_t pipe_inode) {
  const std::string pipe = absl::StrCat("pipe:[", pipe_inode, "]");
  PipeHolders found;
  sys.with_free_descriptors([&] { look_into_all(sys, pipe, &found); });
  return found;
}

}  // namespace warden::internal
