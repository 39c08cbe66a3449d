#include "lib/testing/child_set.h"

#include <stdio.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"
#include "lib/testing/child_record.h"
#include "lib/testing/failure.h"
#include "lib/testing/output_files.h"
#include "lib/testing/verdict.h"
#include "lib/testing/wait_ready.h"
#include "warden/terminate_all.h"

namespace warden::testing::internal {
namespace {

using warden::Command;
using warden::Stdio;

void fail(const Location& where, const std::string& message) { add_failure(where.file, where.line, message); }

Command for_a_test(const Command& command, const SpawnOptions& options) {
  warden::CaptureOptions capture;
  capture.limit = options.keep_output;
  capture.keep = warden::CaptureOptions::Keep::kLast;
  Command watched = command.with_default_streams(Stdio::null(), Stdio::capture(capture), Stdio::capture(capture))
                        .with_default_containment(warden::Containment::kTree);
  if (!options.name.empty()) watched.name(options.name);
  watched.die_with_parent(true);
  return watched;
}

// A system that has no trees can still run the test.
std::string text_of(const warden::SpawnError& error) {
  if (error.step != warden::SpawnError::Step::kContain) return error.to_string();
  return absl::StrCat(error.to_string(),
                      "; where the process group is enough: .containment(warden::Containment::kGroup)");
}

std::vector<Outcome> end_one_by_one(const TrackedChildren& children) {
  std::vector<Outcome> outcomes;
  for (auto tracked = children.rbegin(); tracked != children.rend(); ++tracked) {
    outcomes.push_back((*tracked)->child.terminate_with_report((*tracked)->options.policy));
  }
  std::reverse(outcomes.begin(), outcomes.end());
  return outcomes;
}

std::vector<Outcome> end_at_once(const TrackedChildren& children, const warden::TerminationPolicy& policy) {
  std::vector<warden::Child*> all;
  for (const auto& tracked : children) all.push_back(&tracked->child);
  return warden::terminate_all(all, policy);
}

// Says why a child was not ready, and how it ended.
std::string joined(const std::string& problem, const Outcome& outcome) {
  if (!outcome.has_value()) return absl::StrCat(problem, "; it could not be ended: ", outcome.error().to_string());
  return absl::StrCat(problem, "; it was ended: ", outcome.value().status.to_string());
}

// What a failure says about a child that has this problem. Writes its files.
std::string story(const ChildRecord& record) {
  return absl::StrCat("child '", warden::internal::printable(record.name), "' (pid ", record.pid, ") ",
                      record.problem.value(), "\nWhat was tried to end it:\n", attempts_text(record),
                      last_lines_text(record), write_output_files(record));
}

// Adds one failure for a child that has a problem; of any other child it prints only the end and the output.
void tell(const TrackedChild& tracked, const ChildRecord& record) {
  if (record.problem.has_value()) {
    fail(tracked.where, story(record));
  } else {
    const std::string written = last_lines_text(record) + write_output_files(record);
    ::printf("%s\n%s", headline(record).c_str(), written.c_str());
    ::fflush(stdout);
  }
}

// Drops the children of the process that this one is a forked copy of, as in a death test: that process ends them.
void drop_copies(TrackedChildren* children) {
  const auto is_copy = [](const auto& tracked) { return !look_at(tracked->child).is_ours; };
  children->erase(std::remove_if(children->begin(), children->end(), is_copy), children->end());
}

}  // namespace

ChildSet::ChildSet() : exceptions_before_(std::uncaught_exceptions()) {}

ChildSet::~ChildSet() { tear_down(); }

std::string ChildSet::end_unready(const TrackedChild& tracked, const std::string& problem) {
  const auto is_this = [&tracked](const auto& other) { return other.get() == &tracked; };
  const auto at = std::find_if(children_.begin(), children_.end(), is_this);
  const std::unique_ptr<TrackedChild> taken = std::move(*at);
  children_.erase(at);
  warden::Child& child = taken->child;
  const Sight before = look_at(child);
  const Outcome outcome = child.terminate_with_report(taken->options.policy);
  const std::string text = story(record_of(child, before, joined(problem, outcome), outcome));
  child.detach_on_destruction();  // the text says so if it could not be ended
  return text;
}

StartedChild ChildSet::spawn(const Command& command, const SpawnOptions& options, const Location& where) {
  const Command chosen = for_a_test(command, options);
  if (const auto invalid = options.policy.validate()) {
    return {nullptr, where,
            absl::StrCat("child '", warden::internal::printable(chosen.display_name()),
                         "' was not started: its policy: ", invalid->to_string())};
  }
  auto spawned = warden::Child::spawn(chosen);
  if (!spawned.has_value()) return {nullptr, where, text_of(spawned.error())};
  children_.push_back(std::make_unique<TrackedChild>(TrackedChild{std::move(spawned).value(), options, where}));
  TrackedChild& tracked = *children_.back();
  const std::optional<std::string> problem = wait_ready(tracked.child, options);
  if (problem.has_value()) return {nullptr, where, end_unready(tracked, *problem)};
  return {&tracked.child, where};
}

void ChildSet::end_all_at_once(const warden::TerminationPolicy& policy, const Location& where) {
  if (const auto invalid = policy.validate()) {
    fail(where, absl::StrCat("this policy ends no child: ", invalid->to_string()));
    return;
  }
  at_once_ = policy;
}

void ChildSet::tear_down() { end(std::exchange(children_, {})); }

void ChildSet::end(TrackedChildren children) {
  drop_copies(&children);
  std::vector<Sight> sights;
  for (const auto& tracked : children) sights.push_back(look_at(tracked->child));
  if (sights.empty()) return;
  const std::vector<Outcome> outcomes =
      at_once_.has_value() ? end_at_once(children, *at_once_) : end_one_by_one(children);

  std::vector<std::optional<std::string>> problems;
  bool is_failed = has_failed() || std::uncaught_exceptions() > exceptions_before_;
  for (std::size_t i = 0; i < children.size(); ++i) {
    problems.push_back(problem_with(sights[i], children[i]->options.may_exit, outcomes[i]));
    is_failed = is_failed || problems[i].has_value();
  }
  for (std::size_t i = 0; i < children.size(); ++i) {
    warden::Child& child = children[i]->child;
    if (is_failed) tell(*children[i], record_of(child, sights[i], problems[i], outcomes[i]));
    child.detach_on_destruction();  // the test has failed already if it could not be ended
  }
}

}  // namespace warden::testing::internal
