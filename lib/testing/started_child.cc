#include "warden/testing/started_child.h"

#include <ostream>
#include <utility>

#include "lib/testing/failure.h"
#include "warden/testing/printers.h"

namespace warden::testing {

StartedChild::StartedChild(warden::Child* child, const Location& where, std::string why_not)
    : child_(child), where_(where), why_not_(std::move(why_not)) {}

StartedChild::StartedChild(StartedChild&& other) noexcept
    : child_(std::exchange(other.child_, nullptr)),
      where_(other.where_),
      why_not_(std::move(other.why_not_)),
      is_told_(std::exchange(other.is_told_, true)) {}

StartedChild::~StartedChild() { get(); }

StartedChild::operator ::testing::AssertionResult() const {
  if (child_ != nullptr) return ::testing::AssertionSuccess();
  is_told_ = true;
  return ::testing::AssertionFailure() << why_not_;
}

warden::Child* StartedChild::get() const {
  const bool must_tell = child_ == nullptr && !std::exchange(is_told_, true);
  if (must_tell) internal::add_failure(where_.file, where_.line, why_not_);
  return child_;
}

void PrintTo(const StartedChild& child, std::ostream* out) {
  if (child.child_ != nullptr) {
    PrintTo(*child.child_, out);
  } else {
    child.is_told_ = true;
    *out << child.why_not_;
  }
}

}  // namespace warden::testing
