// Whether a test goes through all of a long table of settings.
#ifndef WARDEN_TEST_SUPPORT_EVERY_SETTING_H_
#define WARDEN_TEST_SUPPORT_EVERY_SETTING_H_

#include <stdlib.h>

namespace warden::test_support {

// True where `.ci/full` has set WARDEN_EVERY_SETTING: the whole table. Else a choice of it that takes seconds.
inline bool wants_every_setting() { return ::getenv("WARDEN_EVERY_SETTING") != nullptr; }

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_EVERY_SETTING_H_
