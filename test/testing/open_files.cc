#include "test/testing/open_files.h"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>

namespace warden::testing::internal {
namespace {

std::string link_of(const std::string& path) {
  char target[PATH_MAX] = "";
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return std::string(target, size > 0 ? static_cast<std::size_t>(size) : 0);
}

}  // namespace

std::vector<std::string> open_files(int pid) {
  const std::string name = "/proc/" + std::to_string(pid) + "/fd";
  std::vector<std::string> files;
  DIR* const directory = ::opendir(name.c_str());
  while (const dirent* entry = directory == nullptr ? nullptr : ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const std::string file = link_of(name + "/" + entry->d_name);
    const bool has_number = file.compare(0, 7, "socket:") == 0 || file.compare(0, 5, "pipe:") == 0;
    files.push_back(has_number ? file.substr(0, file.find(':')) : file);
  }
  if (directory != nullptr) ::closedir(directory);
  std::sort(files.begin(), files.end());
  return files;
}

std::string working_directory(int pid) { return link_of("/proc/" + std::to_string(pid) + "/cwd"); }

}  // namespace warden::testing::internal
