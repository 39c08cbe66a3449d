// Tells the program's misuse handler that a Child was destroyed too early.
#ifndef WARDEN_LIB_CHILD_REPORT_MISUSE_H_
#define WARDEN_LIB_CHILD_REPORT_MISUSE_H_

namespace warden {

struct Misuse;

namespace internal {

// Defined in misuse.cc. Runs the program's code: call it with no lock held.
void report_misuse(const Misuse& misuse);

}  // namespace internal
}  // namespace warden

#endif  // WARDEN_LIB_CHILD_REPORT_MISUSE_H_
