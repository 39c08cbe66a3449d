#include "test/storm/attack.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "test/storm/board.h"
#include "test/storm/observer.h"

namespace storm {
namespace {

using warden::Child;
using warden::TerminationPolicy;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSlackNs = 3000 * kMs;  // for a busy machine
constexpr int64_t kLongestQueueNs = 200 * kMs;
constexpr int64_t kKillNs = 3000 * kMs;

const char* const kCalls[] = {
    "terminate", "terminate(timeouts)",      "terminate_with_report", "kill", "terminate_all", "kill meanwhile",
    "~Child",    "terminate_on_destruction", "nothing at all"};

thread_local std::string abandoned_child_error;

std::string program_beside_this() {
  char path[4096] = {};
  if (::readlink("/proc/self/exe", path, sizeof path - 1) <= 0) return {};
  *(::strrchr(path, '/') + 1) = '\0';
  return std::string(path) + "storm_tree";
}

void count_error(Counts& counts, const std::string& error) {
  static std::mutex mutex;
  static std::map<std::string, int> errors;
  const std::lock_guard<std::mutex> lock(mutex);
  ++errors[error];
  std::string text;
  for (const auto& [name, count] : errors) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  ::snprintf(counts.errors, sizeof counts.errors, "%s", text.c_str());
}

absl::Duration some_time(Random& random) {
  return random.one_in(4) ? absl::ZeroDuration() : absl::Milliseconds(random.below(300));
}

TerminationPolicy random_policy(Random& random) {
  TerminationPolicy policy;
  const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGQUIT, SIGTERM};
  for (int phases = random.below(4); phases > 0; --phases) {
    const warden::Signal signal = warden::Signal::from_number(signals[random.below(6)]).value();
    const auto target = random.one_in(4) ? warden::AttemptTarget::kLeader : warden::AttemptTarget::kGroup;
    policy.phases.push_back({signal, some_time(random), target});
  }
  if (random.one_in(4)) policy.kill_timeout = absl::Milliseconds(200 + random.below(800));
  if (random.one_in(4)) policy.failed_send_grace = absl::Milliseconds(random.below(20));
  return policy;
}

// SIGKILL, too, may fail and then have a grace.
int64_t bound_of(const TerminationPolicy& policy) {
  absl::Duration sum = policy.kill_timeout.duration() + policy.failed_send_grace.duration();
  for (const warden::TerminationPhase& phase : policy.phases)
    sum += std::max(phase.timeout, policy.failed_send_grace).duration();
  return absl::ToInt64Nanoseconds(sum);
}

// REQUIRES: the leader exits first.
void wait_for_tree(const Board& board) {
  const int64_t deadline_ns = now_ns() + 10'000 * kMs;
  while (board.leader_code < 0 && now_ns() < deadline_ns) nap(kMs);
  nap(300 * kMs);
}

TerminationPolicy interrupt_first(const TerminationPolicy& policy) {
  const absl::Duration interrupt = policy.phases.empty() ? absl::ZeroDuration() : policy.phases[0].timeout.duration();
  const absl::Duration terminate =
      policy.phases.size() < 2 ? absl::ZeroDuration() : policy.phases[1].timeout.duration();
  return TerminationPolicy::interrupt_first(interrupt, terminate);
}

}  // namespace

// A tree and what the observer knows it by.
class Tree {
 public:
  explicit Tree(int id) : id_(std::to_string(id)) {
    board_fd_ = ::memfd_create("storm_board", MFD_CLOEXEC);
    if (board_fd_ < 0 || ::ftruncate(board_fd_, sizeof(Board)) != 0 || ::pipe2(pipe_, O_CLOEXEC) != 0) ::abort();
    void* const memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, board_fd_, 0);
    if (memory == MAP_FAILED) ::abort();
    board_ = new (memory) Board;
  }
  ~Tree() {
    ::munmap(board_, sizeof(Board));
    for (const int fd : {board_fd_, pipe_[0], pipe_[1]}) {
      if (fd >= 0) ::close(fd);
    }
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Returns the error, or nothing.
  std::string start(uint64_t seed, const std::string& kind, bool is_contained, Random& random) {
    warden::Command command(program_beside_this());
    command.arg(std::to_string(seed)).env("STORM_ID", id_).stdin_from(warden::Stdio::null());
    if (!kind.empty()) command.arg(kind);
    command.inherit_fd(board_fd_, kBoardFd).inherit_fd(pipe_[1], kPipeFd);
    command.new_session(random.one_in(4)).die_with_parent(random.one_in(4));
    if (is_contained) command.containment(warden::Containment::kTree);
    if (random.one_in(4)) command.stdin_from(warden::Stdio::pipe());
    if (random.one_in(4)) command.stdout_to(warden::Stdio::capture());
    warden::Result<Child, warden::SpawnError> spawned = Child::spawn(command);
    ::close(std::exchange(pipe_[1], -1));
    return take(std::move(spawned));
  }

  // The same by posix_spawn(3) and Child::adopt.
  std::string start_and_adopt(uint64_t seed) {
    std::vector<char*> environment;
    std::string id = "STORM_ID=" + id_;
    for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
    environment.insert(environment.end(), {id.data(), nullptr});
    std::string program = program_beside_this();
    std::string argument = std::to_string(seed);
    char* const arguments[] = {program.data(), argument.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, board_fd_, kBoardFd);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_[1], kPipeFd);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(std::exchange(pipe_[1], -1));
    return error != 0 ? ::strerror(error) : take(Child::adopt(pid));
  }

  const std::string& id() const { return id_; }
  int group() const { return group_; }
  bool is_contained() const { return is_contained_; }
  Board& board() { return *board_; }
  int pipe() const { return pipe_[0]; }
  std::optional<Child>& child() { return child_; }
  // Whether the destructor still has to end the group: not where a manual signal has found the end.
  bool is_seen = false;

 private:
  std::string take(warden::Result<Child, warden::SpawnError> result) {
    if (!result) return std::string(to_string(result.error().step)) + ": " + result.error().code.message();
    child_.emplace(std::move(result.value()));
    group_ = child_->pid();
    is_contained_ = child_->containment() == warden::Containment::kTree;
    return {};
  }

  const std::string id_;
  int board_fd_ = -1;
  int pipe_[2] = {-1, -1};
  Board* board_ = nullptr;
  int group_ = 0;
  bool is_contained_ = false;
  std::optional<Child> child_;
};

Attack::Attack(const Order& order, int worker, Yard& yard, Counts& counts)
    : order_(order),
      yard_(yard),
      desk_(yard.desks[worker]),
      counts_(counts),
      worker_(worker),
      next_id_((worker + 1) * 10'000'000) {
  warden::set_abandoned_child_handler(
      [](const warden::AbandonedChild& abandoned, void*) { abandoned_child_error = std::string(abandoned.error); },
      nullptr);
}

Attack::~Attack() = default;

void Attack::run(uint64_t seed) {
  Random random(seed);
  seed_ = seed;
  desk_.seed = seed;
  const Call which = order_.is_forgotten ? Call::kForget : static_cast<Call>(random.below(8));
  const TerminationPolicy policy = random_policy(random);
  const int count = which == Call::kAll ? 2 + random.below(3) : 1;
  for (int i = 0; i < count; ++i) {
    auto tree = std::make_unique<Tree>(next_id_++);
    const uint64_t tree_seed = i == 0 ? seed : random.next() >> 32;
    const bool is_adopted = order_.kind.empty() && random.one_in(6);
    const std::string error = is_adopted ? tree->start_and_adopt(tree_seed)
                                         : tree->start(tree_seed, order_.kind, order_.is_contained, random);
    if (!error.empty()) {
      count_error(counts_, error);
      end(*tree);
      continue;
    }
    ++counts_.trees;
    trees_.push_back(std::move(tree));
  }
  if (trees_.empty()) return;
  std::ostringstream words;
  words << kCalls[static_cast<int>(which)] << " (" << policy << ")";
  call_ = words.str();
  sent_ = {SIGKILL, SIGINT, SIGTERM, SIGALRM, SIGHUP};  // SIGHUP: from the kernel, to an orphaned group that is stopped
  for (const warden::TerminationPhase& phase : policy.phases) sent_.push_back(phase.signal.number());

  const bool takes_number = random.one_in(2) && which != Call::kForget;
  if (takes_number) desk_.wanted_number = trees_[0]->group();
  if (which == Call::kForget) {
    wait_for_tree(trees_[0]->board());
  } else if (!random.one_in(3)) {
    nap(random.below(80) * kMs);  // any moment of the tree
  }
  const std::vector<Outcome> outcomes = call(which, policy);
  for (size_t i = 0; i < trees_.size(); ++i) judge(*trees_[i], outcomes[i]);
  if (order_.strikes) strike();
  if (takes_number) nap(random.below(4) * kMs);
  if (which != Call::kForget) call_again(random);
  for (size_t i = 0; i < trees_.size(); ++i) {
    Tree& tree = *trees_[i];
    if (!tree.child().has_value()) continue;
    if (which == Call::kForget) {
      tree.child()->detach_on_destruction();
      continue;
    }
    call_ = call_.substr(0, call_.find(", then")) + ", then ~Child";
    const Outcome destroyed = destroy(tree, kKillNs);
    if (outcomes[i].error.has_value() && !tree.is_seen) judge(tree, destroyed);
  }
  clean_up();
}

Attack::Outcome Attack::outcome_of(const warden::Result<warden::ExitStatus, warden::TerminationError>& result) {
  Outcome outcome;
  outcome.returned_ns = now_ns();
  if (result) outcome.status = result.value();
  if (!result) outcome.error = result.error().code.message();
  return outcome;
}

Attack::Outcome Attack::outcome_of(const warden::Result<warden::TerminationReport, warden::TerminationError>& result) {
  Outcome outcome;
  outcome.returned_ns = now_ns();
  if (result) outcome.status = result.value().status;
  if (!result) outcome.error = result.error().code.message();
  return outcome;
}

std::vector<Attack::Outcome> Attack::call(Call which, const TerminationPolicy& policy) {
  std::vector<Outcome> outcomes;
  std::optional<Child>& child = trees_[0]->child();
  int64_t bound_ns = bound_of(policy);
  const Instant began = this_instant();
  switch (which) {
    case Call::kTerminate:
      outcomes.push_back(outcome_of(child->terminate(policy)));
      break;
    case Call::kTimeouts: {
      const TerminationPolicy same = interrupt_first(policy);
      bound_ns = bound_of(same);
      outcomes.push_back(outcome_of(child->terminate(same.phases[0].timeout, same.phases[1].timeout)));
      break;
    }
    case Call::kReport:
      outcomes.push_back(outcome_of(child->terminate_with_report(policy)));
      break;
    case Call::kKill:
      bound_ns = kKillNs;
      outcomes.push_back(outcome_of(child->kill()));
      break;
    case Call::kAll: {
      std::vector<Child*> children;
      for (const std::unique_ptr<Tree>& tree : trees_) children.push_back(&*tree->child());
      for (const auto& result : warden::terminate_all(children, policy)) outcomes.push_back(outcome_of(result));
      break;
    }
    case Call::kKillMeanwhile: {
      bound_ns += kKillNs;
      Outcome killed;
      std::thread killer;
      try {
        killer = std::thread([this, &child, &killed] {
          nap(static_cast<int64_t>(seed_ % 100) * kMs);
          killed = outcome_of(child->kill());
        });
      } catch (const std::system_error& error) {  // EAGAIN: the trees have taken every number
        count_error(counts_, std::string("no kill meanwhile: ") + error.what());
      }
      outcomes.push_back(outcome_of(child->terminate(policy)));
      if (!killer.joinable()) break;
      killer.join();
      outcomes.back().returned_ns = now_ns();
      if (!killed.error.has_value()) outcomes.back() = killed;
      break;
    }
    case Call::kTerminateOnDestruction:
      bound_ns += kKillNs;
      if (!child->terminate_on_destruction(policy)) ::abort();
      outcomes.push_back(destroy(*trees_[0], bound_ns));
      break;
    case Call::kDestroy:
      bound_ns = kKillNs;
      outcomes.push_back(destroy(*trees_[0], bound_ns));
      break;
    case Call::kForget:
      outcomes.emplace_back();
      outcomes.back().status = warden::ExitStatus::exited(99);  // which no tree does
      bound_ns = -3'600'000 * kMs;                              // any time is too long
      outcomes.back().returned_ns = now_ns();
      break;
  }
  const int64_t queued_ns = check_time(began, bound_ns, "the call");
  for (Outcome& outcome : outcomes) outcome.queued_ns = queued_ns;
  return outcomes;
}

Attack::Outcome Attack::destroy(Tree& tree, int64_t bound_ns) {
  abandoned_child_error.clear();
  const Instant began = this_instant();
  tree.child().reset();
  Outcome outcome;
  outcome.returned_ns = now_ns();
  if (!abandoned_child_error.empty()) outcome.error = "~Child reports what it could not end";
  outcome.queued_ns = check_time(began, bound_ns, "~Child");
  return outcome;
}

void Attack::judge(Tree& tree, const Outcome& outcome) {
  ++counts_.calls;
  if (outcome.error.has_value()) {
    count_error(counts_, *outcome.error);
    return;
  }
  ++counts_.oks;
  // A reading that has no processor for a while is as long as that.
  const int64_t grace_ns = order_.grace_ns + std::min(outcome.queued_ns, kLongestQueueNs);
  const Sight sight = tree.is_contained() ? look_for_tree(tree.id(), tree.board(), tree.pipe())
                                          : look_for_members(tree.id(), tree.group(), tree.board(), tree.pipe(),
                                                             outcome.returned_ns, grace_ns);
  counts_.moved += sight.moved;
  counts_.survivors += sight.survivors;
  counts_.came_back += sight.came_back;
  if (!sight.members.empty()) {
    ++counts_.false_oks;
    std::string text = "false Ok for " + std::string(tree.is_contained() ? "tree " : "group ") +
                       std::to_string(tree.group()) + ", " + std::to_string(sight.survivors) +
                       " of them left 300 ms later:";
    for (const std::string& member : sight.members) text += "\n    " + member;
    fault(text);
  }
  if (outcome.status.has_value()) judge_status(tree, *outcome.status);
}

void Attack::judge_status(Tree& tree, const warden::ExitStatus& status) {
  const int code = tree.board().leader_code;
  const std::optional<warden::Signal> signal = status.signal();
  bool is_true = true;
  if (status.kind() == warden::ExitStatus::Kind::kLost) ++counts_.lost;
  if (status.exit_code().has_value()) is_true = *status.exit_code() == code;
  if (signal.has_value()) is_true = std::count(sent_.begin(), sent_.end(), signal->number()) > 0;
  if (is_true) return;
  ++counts_.made_up;
  fault("made-up status: " + status.to_string() + ", the leader's code is " + std::to_string(code));
}

// After the end: no signal may go to a process that has got the number by now.
void Attack::call_again(Random& random) {
  for (const std::unique_ptr<Tree>& tree : trees_) {
    if (!tree->child().has_value() || random.one_in(2)) continue;
    const Instant began = this_instant();
    switch (random.below(3)) {
      case 0:
        static_cast<void>(tree->child()->kill());
        break;
      case 1:
        static_cast<void>(tree->child()->terminate(absl::Milliseconds(1), absl::Milliseconds(1)));
        break;
      default:
        tree->is_seen = tree->child()->send_terminate_signal().has_value();
        break;
    }
    check_time(began, kKillNs, "the second call");
  }
}

// One each that stays, by SIGTERM and by SIGKILL, the host, and the walkers, by one of both.
void Attack::strike() {
  const int signals[] = {SIGTERM, SIGKILL};
  for (int i = 0; i < 2; ++i) {
    const int pid = yard_.bystanders[kFirstStaying + i].pid;
    if (pid > 0) ::kill(pid, signals[i]);
  }
  ::raise(SIGTERM);
  const Board& board = trees_[0]->board();
  for (int i = 0; i < board.walkers_known(); ++i) ::kill(board.walkers[i].pid, seed_ % 2 == 0 ? SIGTERM : SIGKILL);
  nap(50 * kMs);
}

void Attack::clean_up() {
  for (const std::unique_ptr<Tree>& tree : trees_) {
    if (tree->is_contained()) continue;  // whoever has left the group belongs to it all the same
    for (const std::string& struck : look_for_struck_walkers(tree->board(), tree->group())) {
      ++counts_.struck_walkers;
      fault("signalled " + struck);
    }
  }
  for (const std::unique_ptr<Tree>& tree : trees_) end(*tree);
  desk_.wanted_number = 0;
  desk_.is_to_release = true;
  while (desk_.is_to_release) nap(kMs);
  trees_.clear();
}

void Attack::end(const Tree& tree) {
  desk_.tree_to_end = std::stoi(tree.id());
  while (desk_.tree_to_end != 0) nap(kMs);
}

Attack::Instant Attack::this_instant() {
  long long ran_ns = 0, queued_ns = 0;
  FILE* const file = ::fopen("/proc/thread-self/schedstat", "re");
  if (file == nullptr || ::fscanf(file, "%lld %lld", &ran_ns, &queued_ns) != 2) queued_ns = 0;
  if (file != nullptr) ::fclose(file);
  return {now_ns(), queued_ns};
}

int64_t Attack::check_time(const Instant& began, int64_t bound_ns, const char* what) {
  const Instant now = this_instant();
  const int64_t took_ns = now.ns - began.ns, queued_ns = now.queued_ns - began.queued_ns;
  if (took_ns - queued_ns <= bound_ns + kSlackNs) return queued_ns;
  ++counts_.exceeded;
  fault(std::string(what) + " took " + std::to_string(took_ns / kMs) + " ms, " + std::to_string(queued_ns / kMs) +
        " of them without a processor, and " + std::to_string(bound_ns / kMs) + " ms are its bound");
  return queued_ns;
}

void Attack::fault(const std::string& what) {
  if (order_.is_silent) return;
  const std::string text = "  FAULT --mode=" + order_.mode + " --seed=" + std::to_string(seed_) + " worker " +
                           std::to_string(worker_) + " " + call_ + ": " + what + "\n";
  ::fputs(text.c_str(), stdout);
  ::fflush(stdout);
}

}  // namespace storm
