#include "test/storm/self_check.h"

#include <stdio.h>

#include <string>

#include "test/storm/arena.h"

namespace storm {
namespace {

constexpr int kRounds = 2;

Score run_forgotten(const std::string& kind, bool strikes, bool is_contained = false) {
  Fight fight;
  fight.mode.name = "plain";
  fight.order.kind = kind;
  fight.order.is_forgotten = true;
  fight.order.is_contained = is_contained;
  fight.order.strikes = strikes;
  fight.order.is_silent = true;
  fight.seed = 1;
  fight.seconds = 30;
  fight.rounds = kRounds;
  fight.workers = strikes ? 1 : 2;
  return run(fight);
}

// All have lied about the leader's status, and taken too long.
bool is_counted(const std::string& kind, const Score& score) {
  if (!score.broken.empty() || score.trees != 2 * kRounds || score.oks != score.trees) return false;
  if (score.made_up != score.trees || score.exceeded != score.trees || score.struck != 0) return false;
  if (kind == "leaver") return score.false_oks == 0 && score.survivors == 0 && score.moved == score.trees;
  if (kind == "outside") return score.false_oks < score.trees && score.moved == score.trees;  // half the members live
  if (kind == "mover") return score.false_oks + score.moved == 2 * score.trees;               // and the corpse's parent
  return score.false_oks == score.trees && score.survivors >= score.trees && score.moved == 0;
}

bool report(const std::string& name, bool passed, const Score& score) {
  ::printf(
      "self-check %s: %s (%d trees, %d false Oks, %d survivors, %d strangers signalled, %d moved by themselves)%s\n",
      name.c_str(), passed ? "counted" : "FAILED", score.trees, score.false_oks, score.survivors, score.struck,
      score.moved, score.broken.c_str());
  return passed;
}

}  // namespace

int check_observer(int* passed) {
  int failed = 0;
  for (const char* kind : {"sit", "deaf", "polite", "late", "stopped", "chain", "vfork", "headless", "exec", "corpse",
                           "outside", "mover", "leaver"}) {
    const Score score = run_forgotten(kind, false);
    ++(report(kind, is_counted(kind, score), score) ? *passed : failed);
  }
  // Of a tree, who has left the group counts, too.
  for (const char* kind : {"sit", "outside", "mover", "leaver"}) {
    const Score score = run_forgotten(kind, false, true);
    const bool is_counted_so = score.broken.empty() && score.trees == 2 * kRounds && score.false_oks == score.trees &&
                               score.survivors >= score.trees;
    ++(report(std::string("tree ") + kind, is_counted_so, score) ? *passed : failed);
  }
  // Two bystanders and the host; and the process that has left, each time.
  const Score struck = run_forgotten("leaver", true);
  ++(report("strangers", struck.struck == 3 + kRounds, struck) ? *passed : failed);
  return failed;
}

}  // namespace storm
