// Where the test_child of this build is.
#ifndef WARDEN_TEST_SUPPORT_TEST_CHILD_PATH_H_
#define WARDEN_TEST_SUPPORT_TEST_CHILD_PATH_H_

#include <string>

namespace warden::test_support {

// An absolute path, found among the runfiles of the test.
std::string test_child_path();

// A file of this workspace among the runfiles, by its path from the root: "test/tool/thing".
std::string runfile_path(const std::string& path);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_TEST_CHILD_PATH_H_
