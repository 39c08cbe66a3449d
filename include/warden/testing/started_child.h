// The result of a start in a test: the child, or why there is none.
//
// Example:
//   const warden::testing::StartedChild server = spawn(command, options);
//   ASSERT_TRUE(server);
//   EXPECT_THAT(server->terminate(policy), ...);
#ifndef WARDEN_TESTING_STARTED_CHILD_H_
#define WARDEN_TESTING_STARTED_CHILD_H_

#include <cstddef>
#include <iosfwd>
#include <string>

#include "gtest/gtest.h"
#include "warden/child.h"
#include "warden/testing/spawn_options.h"

namespace warden::testing {

namespace internal {
class ChildSet;
}

// A pointer to a child that its fixture or ScopedChild owns; null where the start failed.
//
// A start that failed is exactly one failure of the test, which says why. It is that of the assertion that looks at the
// result: ASSERT_TRUE(server), ASSERT_NE(server, nullptr). Where none fails, it is added, at the line of the start, as
// soon as the test takes the pointer, and at the latest by the destructor. Thread-compatible.
class StartedChild {
 public:
  StartedChild(StartedChild&& other) noexcept;  // leaves null, and no failure
  StartedChild& operator=(StartedChild&&) = delete;
  ~StartedChild();

  // What ASSERT_TRUE asks.
  operator ::testing::AssertionResult() const;  // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return child_ != nullptr; }
  friend bool operator==(const StartedChild& child, std::nullptr_t) { return child.child_ == nullptr; }
  friend bool operator!=(const StartedChild& child, std::nullptr_t) { return child.child_ != nullptr; }

  operator warden::Child*() const { return get(); }  // NOLINT(google-explicit-constructor)
  // REQUIRES: not null.
  warden::Child* operator->() const { return get(); }
  warden::Child* get() const;

  // For GoogleTest: the child, or why there is none.
  friend void PrintTo(const StartedChild& child, std::ostream* out);

 private:
  friend class internal::ChildSet;
  StartedChild(warden::Child* child, const Location& where, std::string why_not = {});

  warden::Child* child_;
  Location where_;
  std::string why_not_;
  mutable bool is_told_ = false;  // a failure of the test tells why there is no child
};

}  // namespace warden::testing

#endif  // WARDEN_TESTING_STARTED_CHILD_H_
