#include "lib/spawn/environment.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/process/v2/environment.hpp>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace warden::internal {
namespace {

namespace bp = boost::process::v2;

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

// An empty entry means the current directory (POSIX, "Other Environment Variables"); find_executable() would skip it.
std::string with_empty_entries_named(const std::string& path) {
  std::vector<std::string> entries = absl::StrSplit(path, ':');
  for (std::string& entry : entries) {
    if (entry.empty()) entry = ".";
  }
  return absl::StrJoin(entries, ":");
}

// Why find_executable() found nothing: EACCES tells the caller that a file of that name exists but may not be executed.
int reason_for_none(const std::string& name, const std::string& path) {
  for (absl::string_view directory : absl::StrSplit(path, ':')) {
    struct stat info = {};
    if (::stat(absl::StrCat(directory, "/", name).c_str(), &info) == 0) return EACCES;
  }
  return ENOENT;
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
    for (const auto& entry : bp::environment::current()) {
      const absl::string_view text = entry.c_str();
      if (last.empty() || last.count(name_of(text)) == 0) add(text);
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

FoundProgram find_program(const std::string& name, const Environment& environment) {
  if (absl::StrContains(name, '/')) return {name, 0};
  const char* given = environment.find("PATH");
  const std::string path = with_empty_entries_named(given != nullptr ? std::string(given) : default_path());
  const std::vector<bp::environment::key_value_pair> search = {absl::StrCat("PATH=", path)};
  const bp::filesystem::path found = bp::environment::find_executable(name, search);
  if (found.empty()) return {{}, reason_for_none(name, path)};
  if (found.is_absolute()) return {found.native(), 0};
  boost::system::error_code ignored;
  const bp::filesystem::path absolute = bp::filesystem::absolute(found, ignored);
  return {ignored ? found.native() : absolute.native(), 0};
}

}  // namespace warden::internal
