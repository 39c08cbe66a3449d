// Fails the test from code that may not throw.
#ifndef WARDEN_LIB_TESTING_FAILURE_H_
#define WARDEN_LIB_TESTING_FAILURE_H_

#include <string>

namespace warden::testing::internal {

// Fails the running test. Swallows the exception of --gtest_throw_on_failure, since a destructor may be the caller.
void add_failure(const char* file, int line, const std::string& message) noexcept;

// Whether the running test has failed; in a tear-down outside of tests, whether the suite or the program has.
bool has_failed();

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_FAILURE_H_
