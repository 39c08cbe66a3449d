#include "test/attack/verdict.h"

#include <mutex>
#include <thread>

#include "absl/time/time.h"

namespace warden::attack {
namespace {

std::mutex complaint_mutex;
std::string complaint;

Verdict destroy(std::optional<Child>& child, Rng& rng, const Tree& tree) {
  complaint.clear();
  const int how = rng.below(3);
  if (how == 0) child->kill_on_destruction();
  if (how == 1) child->terminate_on_destruction(any_policy(rng)).value();
  child.reset();
  const bool gone = tree.hung_up();
  return {complaint.empty(), gone, complaint.empty() ? "" : kInDestructor, complaint};
}

}  // namespace

std::string code_name(const std::error_code& code) {
  constexpr const char* kNames[] = {"?",
                                    "kNotAChild",
                                    "kStillRunning",
                                    "kSurvivors",
                                    "kGroupUnknown",
                                    "kEmptyHandle",
                                    "kStatusUnknown",
                                    "kNotReapable",
                                    "kNotOwner",
                                    "kWouldDeadlock",
                                    "kNotCaptured",
                                    "kUnsuccessful",
                                    "kNotExecuted",
                                    "kContainmentLost"};
  const int value = code.value();
  if (code.category() == error_category() && value > 0 && value < 14) return kNames[value];
  return "errno " + std::to_string(value);
}

void complain(std::string_view text) {
  const std::lock_guard<std::mutex> lock(complaint_mutex);
  complaint.append(text);
}

std::vector<Verdict> end_child(std::optional<Child>& child, Way way, Rng& rng, const Tree& tree) {
  const TerminationPolicy policy = any_policy(rng);
  switch (way) {
    case Way::kKill:
      return {verdict_of(child->kill(), tree)};
    case Way::kDestructor:
      return {destroy(child, rng, tree)};
    case Way::kWaitOrTerminate: {
      const auto result = child->wait_or_terminate(absl::Milliseconds(rng.below(20)), policy);
      if (!result || result.value().timed_out()) return {verdict_of(result, tree)};
      return {verdict_of(child->terminate(policy), tree)};  // the leader has ended by itself, and nobody was
    }
    case Way::kBesideWait: {
      std::thread waiter([&child] { static_cast<void>(child->wait()); });
      const Verdict verdict = verdict_of(child->terminate_with_report(policy), tree);
      if (!verdict.ok) tree.end_survivors();
      waiter.join();
      return {verdict};
    }
    case Way::kTwoThreads: {
      Verdict killed;
      std::thread killer([&] { killed = verdict_of(child->kill(), tree); });
      const Verdict verdict = verdict_of(child->terminate(policy), tree);
      killer.join();
      return {verdict, killed};
    }
    default:
      return {verdict_of(child->terminate(policy), tree)};
  }
}

}  // namespace warden::attack
