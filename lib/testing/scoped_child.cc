#include "warden/testing/scoped_child.h"

#include "lib/testing/child_set.h"

namespace warden::testing {

ScopedChild::ScopedChild(const warden::Command& command, const SpawnOptions& options, const Location& where)
    : set_(std::make_unique<internal::ChildSet>()), started_(set_->spawn(command, options, where)) {}

ScopedChild::ScopedChild(ScopedChild&& other) noexcept = default;

ScopedChild::~ScopedChild() = default;

}  // namespace warden::testing
