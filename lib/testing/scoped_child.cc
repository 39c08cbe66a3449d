#include "warden/testing/scoped_child.h"

#include <utility>

#include "lib/testing/child_set.h"

namespace warden::testing {

ScopedChild::ScopedChild(const warden::Command& command, const SpawnOptions& options, const Location& where)
    : set_(std::make_unique<internal::ChildSet>()), child_(set_->spawn(command, options, where)) {}

ScopedChild::ScopedChild(ScopedChild&& other) noexcept
    : set_(std::move(other.set_)), child_(std::exchange(other.child_, nullptr)) {}

ScopedChild::~ScopedChild() = default;

}  // namespace warden::testing
