#include "lib/spawn/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace warden::internal {
namespace {

using Kind = EnvChange::Kind;

// The part before the '='. An entry without one is no variable, and has no name.
absl::string_view name_of(absl::string_view entry) {
  const std::size_t end = entry.find('=');
  return end == entry.npos ? absl::string_view() : entry.substr(0, end);
}

// Reserved at first, so that an environment of usual size needs one allocation for each of the two.
constexpr std::size_t kUsualCount = 100;
constexpr std::size_t kUsualSize = 8 * 1024;

// The last change of each variable, which is the one that counts.
using LastChanges = std::map<absl::string_view, const EnvChange*>;

// The PATH for an environment that has none (execvp(3)).
std::string default_path() {
  std::string path(::confstr(_CS_PATH, nullptr, 0), '\0');
  ::confstr(_CS_PATH, path.data(), path.size());
  path.resize(path.empty() ? 0 : path.size() - 1);
  return path;
}

// 0 where the file can be executed; else why not: EACCES where it is there, or cannot be looked for.
int check_executable(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return errno == EACCES ? EACCES : ENOENT;
  return S_ISREG(info.st_mode) && ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : EACCES;
}

// As it is where the current directory has no name (getcwd(3)).
std::string absolute(std::string path) {
  if (path.front() == '/') return path;
  std::string here(256, '\0');
  while (::getcwd(here.data(), here.size()) == nullptr) {
    if (errno != ERANGE) return path;
    here.resize(2 * here.size());
  }
  return absl::StrCat(here.c_str(), "/", path);
}

}  // namespace

// Reads the parent's environment only if some of it stays: no lock keeps setenv(3) out during the read.
Environment::Environment(const std::vector<EnvChange>& changes) {
  const auto is_clear = [](const EnvChange& change) { return change.kind == Kind::kClear; };
  const auto last_clear = std::find_if(changes.rbegin(), changes.rend(), is_clear);
  begins_.reserve(kUsualCount);
  text_.reserve(kUsualSize);
  LastChanges last;
  for (auto change = last_clear.base(); change != changes.end(); ++change) last[change->name] = &*change;
  if (last_clear == changes.rend()) {
    for (const char* const* entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {  // null: clearenv(3)
      if (last.empty() || last.count(name_of(*entry)) == 0) add(*entry);
    }
  }
  for (auto change = last_clear.base(); change != changes.end(); ++change) {
    if (change->kind != Kind::kSet || last[change->name] != &*change) continue;
    add(absl::StrCat(change->name, "=", change->value));
  }
}

void Environment::add(absl::string_view entry) {
  begins_.push_back(text_.size());
  text_.append(entry.data(), entry.size());
  text_.push_back('\0');
}

std::vector<const char*> Environment::pointers() const {
  std::vector<const char*> pointers;
  pointers.reserve(begins_.size() + 1);
  for (const std::size_t begin : begins_) pointers.push_back(text_.data() + begin);
  pointers.push_back(nullptr);
  return pointers;
}

const char* Environment::find(absl::string_view name) const {
  for (const std::size_t begin : begins_) {
    const absl::string_view entry = text_.data() + begin;
    if (name_of(entry) == name) return entry.data() + name.size() + 1;
  }
  return nullptr;
}

FoundPrograms find_programs(const std::string& name, const Environment& environment) {
  if (absl::StrContains(name, '/')) return {{name}, 0};
  const char* const given = environment.find("PATH");
  const std::string path = given != nullptr ? given : default_path();
  FoundPrograms found;
  found.error = ENOENT;
  for (const absl::string_view entry : absl::StrSplit(path, ':')) {
    // An empty entry means the current directory (POSIX, "Other Environment Variables").
    std::string candidate = absl::StrCat(entry.empty() ? "." : entry, "/", name);
    if (found.error != 0) {
      const int why_not = check_executable(candidate);
      if (why_not == ENOENT) continue;
      found.error = why_not;
    }
    found.paths.push_back(absolute(std::move(candidate)));
  }
  return found;
}

}  // namespace warden::internal
