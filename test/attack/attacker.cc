#include "test/attack/attacker.h"

#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "test/attack/attacks.h"
#include "test/attack/fd.h"
#include "test/attack/member.h"
#include "test/attack/recycle.h"
#include "test/attack/shared.h"

namespace warden::attack {
namespace {

constexpr std::int64_t kHang = 90 * kSecond;
constexpr int kHostBoundMs = 30'000;

}  // namespace

void Attacker::run_tree(const Plan& plan) {
  const int before = count_descriptors();
  ++row(plan).trees;
  run_way(plan);
  const std::int64_t deadline = now() + 2 * kSecond;
  while (count_descriptors() > before && now() < deadline) Rng(0).jitter(1000);
  const int left = count_descriptors() - before;
  if (left > 0) broke(plan, std::to_string(left) + " descriptors of a tree that is gone stay open", "");
}

void Attacker::broke(const Plan& plan, const std::string& what, const std::string& detail) {
  ++broken_;
  printf("BROKEN --seed=%llu --only=%d%s%s: %s, %s%s%s%s: %s\n%s", static_cast<unsigned long long>(options_.seed),
         plan.index, options_.attack.empty() ? "" : " --attack=", options_.attack.c_str(), plan.attack->name,
         kWays[static_cast<int>(plan.way)], plan.drop ? ", another user" : "", plan.in_group ? "" : ", no group",
         plan.own_session ? ", session" : "", what.c_str(), detail.c_str());
  fflush(stdout);
}

void Attacker::watch() {
  const std::int64_t began = began_.load();
  if (began == 0 || now() - began < kHang) return;
  const std::lock_guard<std::mutex> lock(watched_mutex_);
  if (watched_ == nullptr || began_.load() != began) return;
  printf("HANG at index %d\n%s", watched_plan_.index, watched_->describe_holders().c_str());
  fflush(stdout);
  hung_.store(true);
  watched_->end_survivors();
  if (now() - began > 2 * kHang) _exit(1);
}

void Attacker::run_way(const Plan& plan) {
  if (plan.attack == find_attack("recycle")) return run_recycle(plan);
  if (plan.way >= Way::kHostKilled) return run_host(plan);
  if (plan.way == Way::kTerminateAll) return run_many(plan);
  run_one(plan);
}

Attacker::Watched::Watched(Attacker& attacker, const Plan& plan, const Tree& tree) : attacker_(attacker) {
  const std::lock_guard<std::mutex> lock(attacker.watched_mutex_);
  attacker.watched_ = &tree;
  attacker.watched_plan_ = plan;
  attacker.hung_.store(false);
  attacker.began_.store(now());
}

Attacker::Watched::~Watched() {
  const std::lock_guard<std::mutex> lock(attacker_.watched_mutex_);
  attacker_.watched_ = nullptr;
  attacker_.began_.store(0);
  if (!attacker_.hung_.load()) return;
  ++attacker_.row(attacker_.watched_plan_).hangs;
  attacker_.broke(attacker_.watched_plan_, "a hang", "");
}

std::optional<Child> Attacker::start(const Plan& plan, Tree& tree) {
  Result<Child, SpawnError> child = spawn_tree(plan, tree.write_end.get(), tree.memory.get());
  tree.write_end.reset();
  if (child) {
    if (child.value().containment() != Containment::kTree) broke(plan, "the child is no tree", "");
    return std::move(child).value();
  }
  ++row(plan).spawn_errors;
  printf("spawn of index %d: %s\n", plan.index, child.error().to_string().c_str());
  if (!tree.hung_up()) broke(plan, "survivors of a spawn that failed", tree.describe_holders());
  tree.end_survivors();
  return std::nullopt;
}

void Attacker::wait_for_attack(Rng& rng, const Tree& tree) {
  const int patience = rng.below(4);
  if (patience == 1) rng.jitter(30'000);
  if (patience >= 2) {
    for (int n = 0; n < 20 && tree.board->ready.load() == 0; ++n) wait_for_flag(tree.board->ready, kSecond / 10);
    rng.jitter(patience == 2 ? 300 : 10'000);
  }
}

void Attacker::judge(const Plan& plan, const Verdict& verdict, const Tree& tree) {
  Row& row = this->row(plan);
  if (verdict.ok && verdict.gone) ++row.ok;
  if (verdict.ok && !verdict.gone) {
    const std::string left = tree.describe_holders();
    const bool allowed = plan.tolerance() == Tolerance::kOverrun;
    ++(allowed ? row.overrun : row.survivors);
    if (!allowed) broke(plan, "Ok, and somebody lives", left);
  }
  if (!verdict.ok) {
    ++row.errors[verdict.code];
    if (options_.verbose) {
      printf("index %d, %s, %s: %s\n%s", plan.index, plan.attack->name, kWays[static_cast<int>(plan.way)],
             verdict.text.c_str(), tree.describe_holders().c_str());
    }
    if (!verdict.gone) ++row.overrun;
    const bool lost = verdict.code == "kContainmentLost" || verdict.code == kInDestructor;
    if (plan.tolerance() <= Tolerance::kDeadHost || (plan.tolerance() == Tolerance::kLost && !lost)) {
      ++row.unexpected;
      broke(plan, "an error that is not due", verdict.text + "\n" + tree.describe_holders());
    }
  }
}

void Attacker::finish(const Plan& plan, std::optional<Child>& child, const Tree& tree) {
  tree.end_survivors();
  if (child && child->ends_on_destruction()) {
    static_cast<void>(child->kill());
    child->detach_on_destruction();
  }
  row(plan).refused += tree.board->refused.load();
}

void Attacker::run_one(const Plan& plan) {
  Tree tree;
  const Watched watched(*this, plan, tree);
  Rng rng(plan.seed);
  std::optional<Child> child = start(plan, tree);
  if (!child) return;
  wait_for_attack(rng, tree);
  raise_flag(tree.board->ending);
  const std::int64_t began = now();
  const std::vector<Verdict> verdicts = end_child(child, plan.way, rng, tree);
  if (now() - began > 9 * kSecond) ++row(plan).slow;
  for (const Verdict& verdict : verdicts) judge(plan, verdict, tree);
  finish(plan, child, tree);
}

void Attacker::run_many(const Plan& plan) {
  Rng rng(plan.seed);
  std::vector<std::unique_ptr<Tree>> trees;
  std::vector<std::optional<Child>> children;
  for (int n = 2 + rng.below(3); n > 0; --n) {
    Plan own = plan;
    own.seed = rng.next();
    auto tree = std::make_unique<Tree>();
    std::optional<Child> child = start(own, *tree);
    if (!child) continue;
    trees.push_back(std::move(tree));
    children.push_back(std::move(child));
  }
  if (trees.empty()) return;
  const Watched watched(*this, plan, *trees[0]);
  wait_for_attack(rng, *trees.back());
  std::vector<Child*> pointers;
  for (std::optional<Child>& child : children) pointers.push_back(&*child);
  for (const auto& tree : trees) raise_flag(tree->board->ending);
  const auto results = terminate_all(pointers, any_policy(rng));
  std::vector<Verdict> verdicts;
  for (std::size_t i = 0; i < trees.size(); ++i) verdicts.push_back(verdict_of(results[i], *trees[i]));
  for (std::size_t i = 0; i < trees.size(); ++i) judge(plan, verdicts[i], *trees[i]);
  for (std::size_t i = 0; i < trees.size(); ++i) finish(plan, children[i], *trees[i]);
}

int Attacker::start_host(const Plan& plan, const Tree& tree) const {
  const std::string seed = "--seed=" + std::to_string(options_.seed), only = "--only=" + std::to_string(plan.index),
                    attack = "--attack=" + std::string(plan.attack->name);
  const int pid = fork();
  if (pid != 0) return pid;
  if (dup2(tree.write_end.get(), kMarkerFd) < 0 || dup2(tree.memory.get(), kSharedFd) < 0) _exit(1);
  execl(kSelf, "tree_attack", "--role=host", seed.c_str(), only.c_str(), attack.c_str(), nullptr);
  _exit(1);
}

void Attacker::run_host(const Plan& plan) {
  Tree tree;
  const Watched watched(*this, plan, tree);
  Rng rng(plan.seed);
  const int host = start_host(plan, tree);
  tree.write_end.reset();
  const std::uint32_t awaited = plan.way == Way::kHostKilledEarly ? 1 : 2;
  const auto reached = [&] { return tree.board->host_step.load() >= awaited || tree.hung_up(); };
  while (!reached()) {
    const std::uint32_t step = tree.board->host_step.load();
    const timespec time = {0, kSecond / 100};
    if (step < awaited) futex(tree.board->host_step, FUTEX_WAIT, step, &time);
  }
  if (tree.board->host_step.load() == 3) ++row(plan).spawn_errors;
  if (plan.way == Way::kHostKilledEarly) rng.jitter(3000);
  if (plan.way != Way::kHostKilledEarly) wait_for_attack(rng, tree);
  raise_flag(tree.board->ending);
  if (plan.way == Way::kHostKilled || plan.way == Way::kHostKilledEarly) ::kill(host, SIGKILL);
  waitpid(host, nullptr, 0);
  const std::int64_t began = now();
  if (tree.hung_up(kHostBoundMs)) {
    ++row(plan).host_gone;
  } else if (plan.tolerance() != Tolerance::kNone) {
    ++row(plan).overrun;
  } else {
    ++row(plan).survivors;
    broke(plan, "the host is dead, and somebody lives", tree.describe_holders());
  }
  if (now() - began > 5 * kSecond) ++row(plan).slow;
  std::optional<Child> none;
  finish(plan, none, tree);
}

void Attacker::run_recycle(const Plan& plan) {
  const int code = recycle(plan.seed);
  if (code == 0) ++row(plan).ok;
  if (code == kSkipped) {
    if (row(plan).skipped++ == 0) printf("recycle is skipped: it needs root, a pid namespace, and Linux 6.14\n");
  } else if (code != 0) {
    if (code == 2) ++row(plan).hangs;
    broke(plan, code == 2 ? "a hang among recycled numbers" : "among recycled numbers: see above", "");
  }
}

}  // namespace warden::attack
