// The files that a failed test leaves of a child.
#ifndef WARDEN_LIB_TESTING_OUTPUT_FILES_H_
#define WARDEN_LIB_TESTING_OUTPUT_FILES_H_

#include <string>

#include "lib/testing/child_record.h"

namespace warden_testing::internal {

// <directory>/<suite>.<test>.<child>.attempts, .stdout, .stderr in $TEST_UNDECLARED_OUTPUTS_DIR, the streams only where
// they are captured. Nothing that is there already is written over: a number comes before the ending then. Returns what
// a message says of them, a line, or nothing where there is no such directory.
std::string write_output_files(const ChildRecord& record);

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_OUTPUT_FILES_H_
