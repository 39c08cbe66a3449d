#include "lib/os/pid_cursor.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "lib/os/proc.h"

namespace warden::internal {
namespace {

// The lowest number that the kernel gives after the first turn (RESERVED_PIDS of kernel/pid.c).
constexpr std::uint64_t kLowestAgain = 300;

bool is_of_the_kernel(const char* path) {
  struct statfs info = {};
  return ::statfs(path, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

// "0.20 0.18 0.12 1/80 11206": of the fourth field the threads that exist, and the newest number.
bool read_loadavg(int* newest, std::uint64_t* threads) {
  std::string text;
  if (!is_of_the_kernel("/proc/loadavg") || read_proc_file("/proc/loadavg", &text) != 0) return false;
  const std::vector<absl::string_view> fields = absl::StrSplit(text, absl::ByAnyChar(" /\n"), absl::SkipEmpty());
  return fields.size() == 6 && absl::SimpleAtoi(fields[4], threads) && absl::SimpleAtoi(fields[5], newest) &&
         *newest > 0;
}

bool read_forks(std::uint64_t* forks) {
  std::string text;
  if (!is_of_the_kernel("/proc/stat") || read_proc_file("/proc/stat", &text) != 0) return false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() == 2 && words[0] == "processes") return absl::SimpleAtoi(words[1], forks);
  }
  return false;
}

}  // namespace

int read_newest_pid() {
  int newest = 0;
  std::uint64_t threads = 0;
  return read_loadavg(&newest, &threads) ? newest : std::numeric_limits<int>::max();
}

std::optional<PidCursor> read_pid_cursor(PidCursorOrder order) {
  PidCursor cursor;
  std::uint64_t threads = 0, most = 0;
  std::string text;
  if (order == PidCursorOrder::kForksFirst && !read_forks(&cursor.forks)) return std::nullopt;
  if (!read_loadavg(&cursor.newest, &threads)) return std::nullopt;
  if (order == PidCursorOrder::kNewestFirst && !read_forks(&cursor.forks)) return std::nullopt;
  if (read_proc_file("/proc/sys/kernel/pid_max", &text) != 0 || !absl::SimpleAtoi(text, &most)) return std::nullopt;
  // Half of the free numbers: a fork that fails late takes a number, too, and is not counted.
  if (most > kLowestAgain + threads) cursor.turn = (most - kLowestAgain - threads) / 2;
  return cursor.turn > 0 ? std::optional<PidCursor>(cursor) : std::nullopt;
}

}  // namespace warden::internal
