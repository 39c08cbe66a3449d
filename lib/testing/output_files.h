// Writes the files that a failed test leaves about a child.
#ifndef WARDEN_LIB_TESTING_OUTPUT_FILES_H_
#define WARDEN_LIB_TESTING_OUTPUT_FILES_H_

#include <string>

#include "lib/testing/child_record.h"

namespace warden::testing::internal {

// Writes <suite>.<test>.<child>.attempts, .stdout and .stderr to $TEST_UNDECLARED_OUTPUTS_DIR, a stream only where it
// is captured. Overwrites no file: where a name is taken, a number comes before the ending. Returns a line about the
// files for the test's message, or nothing where the variable is not set.
std::string write_output_files(const ChildRecord& record);

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_OUTPUT_FILES_H_
