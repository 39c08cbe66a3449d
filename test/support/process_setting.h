// What of this process's setting, one text each, must be the same after a test as before it.
#ifndef WARDEN_TEST_SUPPORT_PROCESS_SETTING_H_
#define WARDEN_TEST_SUPPORT_PROCESS_SETTING_H_

#include <map>
#include <string>

namespace warden::test_support {

// By name: mask, dispositions and alternate stack of signals; timers; record locks; environment; limits; ids; flags of
// prctl(2); scheduling; umask, directory and so on. Of the calling thread, where a thing is per thread. What cannot be
// read here is "?".
std::map<std::string, std::string> process_setting();

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_PROCESS_SETTING_H_
