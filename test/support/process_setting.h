// The settings of this process that must be the same after a test as before it, as one text each.
#ifndef WARDEN_TEST_SUPPORT_PROCESS_SETTING_H_
#define WARDEN_TEST_SUPPORT_PROCESS_SETTING_H_

#include <map>
#include <string>

namespace warden::test_support {

// By name: mask, dispositions and alternate stack of signals; timers; record locks; environment; limits; ids; flags of
// prctl(2); scheduling; umask, directory and so on. Settings that each thread has are the calling thread's. A setting
// that cannot be read here is "?".
std::map<std::string, std::string> process_setting();

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_PROCESS_SETTING_H_
