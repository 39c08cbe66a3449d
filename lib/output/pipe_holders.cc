#include "lib/output/pipe_holders.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>
#include <string>

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

// 0, or -errno when its descriptors cannot be listed.
int look_into(int pid, const std::string& pipe, bool* is_writer) {
  const std::string directory = absl::StrCat("/proc/", pid, "/fd");
  std::vector<int> fds;
  const int error = list_numbers(directory.c_str(), &fds);
  for (const int fd : fds) {
    *is_writer = is_written_by(absl::StrCat(directory, "/", fd), pipe);
    if (*is_writer) return 0;
  }
  return error;
}

std::string program_of(Sys& sys, int pid) {
  std::string text;
  if (sys.read_proc(pid, "stat", &text) != 0) return {};
  const auto stat = parse_stat(text);
  return stat.has_value() ? stat->program : std::string();
}

void look_into_all(Sys& sys, const std::string& pipe, PipeHolders* found) {
  bool could_look = true;
  const bool are_all_listed = sys.visit_processes(std::numeric_limits<int>::max(), [&](int pid) {
    bool is_writer = false;
    const int error = look_into(pid, pipe, &is_writer);
    if (error != 0 && error != -ENOENT && error != -ESRCH) could_look = false;
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
