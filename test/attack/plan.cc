#include "test/attack/plan.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "test/attack/member.h"
#include "test/attack/shared.h"

namespace warden::attack {
namespace {

constexpr int kWayCount = sizeof(kWays) / sizeof(kWays[0]);

std::string own_path() {
  char path[4096];
  const ssize_t size = readlink(kSelf, path, sizeof(path));
  return std::string(path, static_cast<std::size_t>(size > 0 ? size : 0));
}

// Whether another user may execute this program.
bool everybody_may_execute() {
  std::string path = own_path();
  for (; !path.empty(); path.resize(path.rfind('/'))) {
    struct stat facts = {};
    if (stat(path.c_str(), &facts) != 0 || (facts.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

Command make_command(const Plan& plan, int marker, int memory) {
  Command command(own_path());
  command.args({"--role=tree", "--attack=" + std::string(plan.attack->name), "--seed=" + std::to_string(plan.seed)});
  command.inherit_fd(marker, kMarkerFd).inherit_fd(memory, kSharedFd).containment(Containment::kTree);
  command.stdin_from(Stdio::null()).stdout_to(Stdio::null()).stderr_to(Stdio::null());
  command.name("tree-" + std::to_string(plan.index)).limit({RLIMIT_CORE, 0, 0}).group(plan.in_group);
  if (plan.own_session) command.new_session(true);
  if (plan.drop) command.credentials({65534, 65534, std::nullopt});
  return command;
}

}  // namespace

Plan plan_of(const Options& options, int index) {
  Rng rng(options.seed * 1'000'003 + static_cast<std::uint64_t>(index));
  const std::vector<Attack>& attacks = all_attacks();
  Plan plan;
  plan.index = index;
  do {
    plan.attack = &attacks[static_cast<std::size_t>(rng.below(static_cast<int>(attacks.size())))];
  } while (plan.attack->only_by_name);
  plan.way = static_cast<Way>(rng.below(kWayCount));
  plan.seed = rng.next();
  plan.drop = rng.chance(25) && geteuid() == 0 && everybody_may_execute();
  plan.in_group = rng.chance(85);
  plan.own_session = plan.in_group && rng.chance(15);
  plan.by_thread = rng.chance(20);
  if (!options.attack.empty()) plan.attack = find_attack(options.attack);
  return plan;
}

Result<Child, SpawnError> spawn_tree(const Plan& plan, int marker, int memory) {
  const Command command = make_command(plan, marker, memory);
  if (!plan.by_thread) return Child::spawn(command);
  std::optional<Result<Child, SpawnError>> child;
  std::thread([&] { child.emplace(Child::spawn(command)); }).join();
  return std::move(*child);
}

TerminationPolicy any_policy(Rng& rng) {
  const auto some_time = [&rng] { return absl::Milliseconds(rng.chance(20) ? 0 : rng.below(150)); };
  switch (rng.below(5)) {
    case 0:
      return TerminationPolicy::immediate();
    case 1:
      return TerminationPolicy::interrupt_first(some_time(), some_time());
    case 2:
      return TerminationPolicy::leader_first(some_time(), some_time());
    case 3:
      return TerminationPolicy::service(some_time());
    default: {
      constexpr int kSignals[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, 34, 50, 64};
      TerminationPolicy policy;
      for (int n = 1 + rng.below(3); n > 0; --n) {
        const AttemptTarget target = rng.chance(80) ? AttemptTarget::kGroup : AttemptTarget::kLeader;
        policy.phases.push_back({Signal::from_number(kSignals[rng.below(10)]).value(), some_time(), target});
      }
      return policy;
    }
  }
}

}  // namespace warden::attack
