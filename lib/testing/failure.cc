#include "lib/testing/failure.h"

#include "absl/base/config.h"
#include "gtest/gtest.h"

namespace warden::testing::internal {

void add_failure(const char* file, int line, const std::string& message) noexcept {
#ifdef ABSL_HAVE_EXCEPTIONS
  try {
    ADD_FAILURE_AT(file, line) << message;
  } catch (...) {
  }
#else
  ADD_FAILURE_AT(file, line) << message;
#endif
}

bool has_failed() {
  if (::testing::Test::HasFailure()) return true;
  const ::testing::UnitTest& run = *::testing::UnitTest::GetInstance();
  if (run.current_test_info() != nullptr) return false;
  return run.current_test_suite() != nullptr ? run.current_test_suite()->Failed() : run.Failed();
}

}  // namespace warden::testing::internal
