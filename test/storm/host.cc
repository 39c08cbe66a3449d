// Attacks the promise of a termination with random trees, in many modes. Needs root, and Linux 6.14.
// Usage: storm_host [--seconds=N] [--mode=NAME] [--seed=N] [--kind=NAME] [--grace-us=N]
//        storm_host --self-check | --list
//
// --mode and --seed together repeat one tree. --kind: a leader that exits first and one process of this kind (tree.cc).
// --grace-us: a mover that came back less than this before the call returned makes no false Ok; 20,000 by default, the
// time between two looks of the library, which promises no more (docs/termination.md).
// Prints a line for each mode, which counts as one in the last line: "N passed, N failed".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "test/storm/arena.h"
#include "test/storm/mode.h"
#include "test/storm/self_check.h"

namespace storm {
namespace {

// Since 6.14 a pid namespace has a pid_max of its own. Before, it would be the machine's.
bool has_own_pid_limits() {
  utsname names;
  int major = 0;
  int minor = 0;
  if (::uname(&names) != 0 || ::sscanf(names.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 14);
}

// The value of --NAME=VALUE, or null.
const char* value_of(const char* argument, const char* name) {
  const size_t length = ::strlen(name);
  return ::strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : nullptr;
}

void print(const Mode& mode, const Score& score) {
  ::printf(
      "%s %s: %d trees, %d of %d calls Ok%s%s, %d false Oks (%d by a return), %d survivors, %d strangers signalled, %d "
      "bounds exceeded, "
      "%d statuses made up (%d lost), %d moved by themselves, %d numbers taken%s%s\n",
      score.is_clean() ? "ok    " : "FAILED", mode.name.c_str(), score.trees, score.oks, score.calls,
      score.errors.empty() ? "" : "; errors: ", score.errors.c_str(), score.false_oks, score.came_back, score.survivors,
      score.struck, score.exceeded, score.made_up, score.lost, score.moved, score.taken,
      score.broken.empty() ? "" : "; ", score.broken.c_str());
  ::fflush(stdout);
}

int finish(int passed, int failed) {
  ::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

int storm_main(int argc, char** argv) {
  int seconds = 0;
  std::string only;
  const char* seed = nullptr;
  Fight fight;
  bool is_self_check = false;
  for (int i = 1; i < argc; ++i) {
    if (::strcmp(argv[i], "--list") == 0) {
      for (const Mode& mode : all_modes()) ::puts(mode.name.c_str());
      return 0;
    }
    if (::strcmp(argv[i], "--self-check") == 0) {
      is_self_check = true;
    } else if (const char* number = value_of(argv[i], "--seconds")) {
      seconds = ::atoi(number);
    } else if (const char* name = value_of(argv[i], "--mode")) {
      only = name;
    } else if (const char* value = value_of(argv[i], "--seed")) {
      seed = value;
    } else if (const char* kind = value_of(argv[i], "--kind")) {
      fight.order.kind = kind;
    } else if (const char* grace = value_of(argv[i], "--grace-us")) {
      fight.order.grace_ns = ::atoll(grace) * 1000;
    } else {
      ::fprintf(stderr, "what is %s?\n", argv[i]);
      return 2;
    }
  }
  if (::geteuid() != 0 || !has_own_pid_limits()) {
    ::fprintf(stderr, "needs root, and Linux 6.14, where a pid namespace has a limit of its own\n");
    return 2;
  }
  int passed = 0;
  if (is_self_check) {
    const int failed = check_observer(&passed);
    return finish(passed, failed);
  }
  std::vector<Mode> modes;
  for (Mode& mode : all_modes()) {
    if (only.empty() || mode.name == only) modes.push_back(std::move(mode));
  }
  const int share = (seconds > 0 ? seconds : 10) / static_cast<int>(std::max<size_t>(modes.size(), 1));
  fight.seconds = std::max(share, 1);
  fight.seed = seed != nullptr ? ::strtoull(seed, nullptr, 10) : static_cast<uint64_t>(::getpid());
  fight.has_one_tree = seed != nullptr && !only.empty();
  ::printf("%zu modes of %d s, from seed %llu\n", modes.size(), fight.seconds,
           static_cast<unsigned long long>(fight.seed));
  int failed = 0;
  for (const Mode& mode : modes) {
    fight.mode = mode;
    fight.order.mode = mode.name;
    fight.order.is_contained = mode.is_contained;
    const Score score = run(fight);
    print(mode, score);
    ++(score.is_clean() ? passed : failed);
  }
  return finish(passed, failed);
}

}  // namespace
}  // namespace storm

int main(int argc, char** argv) { return storm::storm_main(argc, argv); }
