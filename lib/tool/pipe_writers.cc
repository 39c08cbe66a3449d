#include "lib/tool/pipe_writers.h"

#include <sys/stat.h>

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

bool has_writer(const fs::path& process, const std::string& pipe) {
  std::error_code error;
  fs::directory_iterator link(process / "fd", error);
  for (; !error && link != fs::directory_iterator(); link.increment(error)) {
    if (is_writer(link->path(), pipe)) return true;
  }
  return false;
}

std::string program_of(const fs::path& process) {
  std::string name;
  std::getline(std::ifstream(process / "comm"), name);
  return name;
}

}  // namespace

std::vector<PipeHolder> find_pipe_writers(ino_t pipe_inode) {
  const std::string pipe = absl::StrCat("pipe:[", pipe_inode, "]");
  std::vector<PipeHolder> writers;
  std::error_code error;
  fs::directory_iterator process("/proc", error);
  for (; !error && process != fs::directory_iterator(); process.increment(error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(process->path().filename().string(), &pid)) continue;
    if (has_writer(process->path(), pipe)) writers.push_back({pid, program_of(process->path())});
  }
  return writers;
}

}  // namespace warden::tool
