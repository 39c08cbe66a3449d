#include "lib/internal/environment.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/process/v2/environment.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace warden::internal {
namespace {

namespace bp = boost::process::v2;

bool is_variable(absl::string_view entry, absl::string_view name) {
  return entry.size() > name.size() && entry[name.size()] == '=' && absl::StartsWith(entry, name);
}

void remove_variable(std::vector<std::string>* environment, const std::string& name) {
  const auto is_it = [&name](const std::string& entry) { return is_variable(entry, name); };
  environment->erase(std::remove_if(environment->begin(), environment->end(), is_it), environment->end());
}

// Where a program is looked for when the environment does not say (execvp(3)).
std::string default_path() {
  std::string path(::confstr(_CS_PATH, nullptr, 0), '\0');
  ::confstr(_CS_PATH, path.data(), path.size());
  path.resize(path.empty() ? 0 : path.size() - 1);
  return path;
}

// An empty entry is the current directory (POSIX, "Other Environment Variables"), which the look-up would pass over.
std::string with_empty_entries_named(const std::string& path) {
  std::vector<std::string> entries = absl::StrSplit(path, ':');
  for (std::string& entry : entries) {
    if (entry.empty()) entry = ".";
  }
  return absl::StrJoin(entries, ":");
}

// Why the look-up found nothing: a file of that name that may not be executed is worth saying.
int reason_for_none(const std::string& name, const std::string& path) {
  for (absl::string_view directory : absl::StrSplit(path, ':')) {
    struct stat info = {};
    if (::stat(absl::StrCat(directory, "/", name).c_str(), &info) == 0) return EACCES;
  }
  return ENOENT;
}

}  // namespace

// Reads the parent's environment only where some of it stays: there is no lock that keeps setenv(3) out meanwhile.
std::vector<std::string> make_environment(const std::vector<Command::EnvChange>& changes) {
  using Kind = Command::EnvChange::Kind;
  const auto is_clear = [](const Command::EnvChange& change) { return change.kind == Kind::kClear; };
  const auto last_clear = std::find_if(changes.rbegin(), changes.rend(), is_clear);
  std::vector<std::string> environment;
  if (last_clear == changes.rend()) {
    for (const auto& entry : bp::environment::current()) environment.emplace_back(entry.c_str());
  }
  for (auto change = last_clear.base(); change != changes.end(); ++change) {
    remove_variable(&environment, change->name);
    if (change->kind == Kind::kSet) environment.push_back(absl::StrCat(change->name, "=", change->value));
  }
  return environment;
}

const char* find_variable(const std::vector<std::string>& environment, const char* name) {
  for (const std::string& entry : environment) {
    if (is_variable(entry, name)) return entry.c_str() + absl::string_view(name).size() + 1;
  }
  return nullptr;
}

FoundProgram find_program(const std::string& name, const std::vector<std::string>& environment) {
  if (absl::StrContains(name, '/')) return {name, 0};
  const char* given = find_variable(environment, "PATH");
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
