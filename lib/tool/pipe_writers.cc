#include "lib/tool/pipe_writers.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace warden::tool {
namespace {

namespace fs = std::filesystem;

// The permissions of the link say what the descriptor is open for (proc(5)). Nothing is opened.
bool is_writer(const fs::path& link, const std::string& pipe) {
  std::error_code error;
  if (fs::read_symlink(link, error) != pipe || error) return false;
  struct stat info = {};
  return ::lstat(link.c_str(), &info) == 0 && (info.st_mode & S_IWUSR) != 0;
}

// No error where the process has ended meanwhile.
bool has_writer(const fs::path& process, const std::string& pipe, std::error_code* error) {
  fs::directory_iterator link(process / "fd", *error);
  for (; !*error && link != fs::directory_iterator(); link.increment(*error)) {
    if (is_writer(link->path(), pipe)) return true;
  }
  if (*error == std::errc::no_such_file_or_directory || *error == std::errc::no_such_process) error->clear();
  return false;
}

std::string program_of(const fs::path& process) {
  std::string name;
  std::getline(std::ifstream(process / "comm"), name);
  return name;
}

// Whether it is that of our pid namespace, and hides nobody (hidepid, proc(5)): not the first process, as a rule.
bool shows_everybody(const fs::path& proc) {
  std::error_code error;
  if (fs::read_symlink(proc / "self", error) != std::to_string(::getpid()) || error) return false;
  if (::getpid() == 1) return ::geteuid() == 0;
  return fs::exists(proc / "1", error);
}

}  // namespace

PipeWriters find_pipe_writers(ino_t pipe_inode) {
  const std::string pipe = absl::StrCat("pipe:[", pipe_inode, "]");
  const fs::path proc = "/proc";
  PipeWriters writers;
  writers.all_known = shows_everybody(proc);
  std::error_code error;
  fs::directory_iterator process(proc, error);
  for (; !error && process != fs::directory_iterator(); process.increment(error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(process->path().filename().string(), &pid)) continue;
    std::error_code refused;
    if (has_writer(process->path(), pipe, &refused)) {
      writers.processes.push_back({pid, program_of(process->path())});
    }
    if (refused) writers.all_known = false;
  }
  if (error) writers.all_known = false;
  return writers;
}

}  // namespace warden::tool
