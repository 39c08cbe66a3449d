// Programs whose threads have little stack, and programs with so much thread-local storage that it takes most of a
// small one. The C library puts it on each thread's stack; GLIBC_TUNABLES adds to it.
#include <limits.h>

#include <string>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

void expect_ok(Command host) {
  const auto ran = run(host.stderr_to(Stdio::merge()));
  ASSERT_TRUE(ran.has_value()) << ran.error();
  EXPECT_EQ(ran.value().status, ExitStatus::exited(0));
  EXPECT_EQ(ran.value().stdout_output.text(), "ok\n");
}

void expect_ok_with_storage(int bytes) {
  SCOPED_TRACE(absl::StrCat(bytes, " bytes of thread-local storage"));
  const std::string tunable = absl::StrCat("glibc.rtld.optional_static_tls=", bytes);
  expect_ok(Command(runfile_path("test/support/stack_host")).env("GLIBC_TUNABLES", tunable));
}

// Each size of a page, over the sizes that a stack of 64, 128 and 256 KiB could just not hold.
TEST(SmallStack, HoldsWhateverThreadLocalStorageTheProgramHas) {
  for (int kib = 0; kib <= 264; kib += 4) expect_ok_with_storage(kib * 1024);
}

// The library finds the size of a stack in steps of 16 KiB: what is left beside the storage is least at the end of one.
TEST(SmallStack, HoldsStorageThatLeavesTheLeastOfAStep) {
  for (int bytes = 40 * 1024; bytes < 56 * 1024; bytes += 512) expect_ok_with_storage(bytes);
}

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
#define NEEDS_PLAIN_FRAMES() GTEST_SKIP() << "a sanitizer's code needs a larger stack"
#else
#define NEEDS_PLAIN_FRAMES() static_cast<void>(0)
#endif

// run() is called from 32 KiB on: stack_host.cc.
TEST(SmallStack, OfTheCallerMayBeTheLeastThereIs) {
  NEEDS_PLAIN_FRAMES();
  for (long stack = PTHREAD_STACK_MIN; stack <= 72 * 1024; stack += 4 * 1024) {
    SCOPED_TRACE(absl::StrCat("a stack of ", stack, " bytes"));
    expect_ok(Command(runfile_path("test/support/stack_host")).arg(absl::StrCat(stack)));
  }
}

}  // namespace
}  // namespace warden::test_support
