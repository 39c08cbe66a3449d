// A failure of the test, from where nothing may be thrown.
#ifndef WARDEN_LIB_TESTING_FAILURE_H_
#define WARDEN_LIB_TESTING_FAILURE_H_

#include <string>

namespace warden_testing::internal {

// Fails the test that runs. The exception of --gtest_throw_on_failure ends here: a destructor may be what calls it.
void add_failure(const char* file, int line, const std::string& message) noexcept;

// Whether what is torn down now belongs to something that has failed: the test, or outside of tests the suite.
bool has_failed();

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_FAILURE_H_
