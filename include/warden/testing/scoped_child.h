// A child for one test body, with any fixture or none.
//
// Example:
//   TEST(Server, Answers) {
//     warden::testing::SpawnOptions options;
//     options.ready = warden::testing::Ready::on_line("listening");
//     warden::testing::ScopedChild server(warden::Command("my-server"), options);
//     ASSERT_TRUE(server.ok());
//     ...
//   }
#ifndef WARDEN_TESTING_SCOPED_CHILD_H_
#define WARDEN_TESTING_SCOPED_CHILD_H_

#include <memory>

#include "warden/child.h"
#include "warden/command.h"
#include "warden/testing/spawn_options.h"
#include "warden/testing/started_child.h"

namespace warden::testing {

namespace internal {
class ChildSet;
}

// Starts the child as ChildFixture::spawn does, and its destructor ends it as ChildFixture::TearDown does: see there.
// Thread-compatible.
class ScopedChild {
 public:
  explicit ScopedChild(const warden::Command& command, const SpawnOptions& options = {},
                       const Location& where = Location::here());
  ScopedChild(ScopedChild&& other) noexcept;
  ~ScopedChild();

  // Whether the child was started and got ready. If not, the test fails and must not go on: ASSERT_TRUE(server.ok()).
  const StartedChild& ok() const { return started_; }

  // REQUIRES: ok().
  warden::Child& operator*() const { return *get(); }
  warden::Child* operator->() const { return get(); }
  // Null unless ok().
  warden::Child* get() const { return started_.get(); }

 private:
  std::unique_ptr<internal::ChildSet> set_;  // null once moved from
  StartedChild started_;
};

}  // namespace warden::testing

#endif  // WARDEN_TESTING_SCOPED_CHILD_H_
