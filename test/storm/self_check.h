// Whether the observer counts what it is to count: trees that nobody ends, strangers that are signalled on purpose.
#ifndef WARDEN_TEST_STORM_SELF_CHECK_H_
#define WARDEN_TEST_STORM_SELF_CHECK_H_

namespace storm {

// Prints a line for each check. Returns how many failed.
int check_observer(int* passed);

}  // namespace storm

#endif  // WARDEN_TEST_STORM_SELF_CHECK_H_
