#include "warden/testing/child_fixture.h"

#include "lib/testing/child_set.h"

namespace warden::testing {

ChildFixture::ChildFixture() : children_(std::make_unique<internal::ChildSet>()) {}

ChildFixture::~ChildFixture() = default;

StartedChild ChildFixture::spawn(const warden::Command& command, const SpawnOptions& options, const Location& where) {
  return children_->spawn(command, options, where);
}

void ChildFixture::end_all_at_once(const warden::TerminationPolicy& policy, const Location& where) {
  children_->end_all_at_once(policy, where);
}

void ChildFixture::TearDown() { children_->tear_down(); }

}  // namespace warden::testing
