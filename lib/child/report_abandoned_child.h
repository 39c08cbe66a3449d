// Tells the program's handler that a child was abandoned.
#ifndef WARDEN_LIB_CHILD_REPORT_ABANDONED_CHILD_H_
#define WARDEN_LIB_CHILD_REPORT_ABANDONED_CHILD_H_

namespace warden {

struct AbandonedChild;

namespace internal {

// Defined in abandoned_child.cc. Runs the program's code: call it with no lock held.
void report_abandoned_child(const AbandonedChild& abandoned);

}  // namespace internal
}  // namespace warden

#endif  // WARDEN_LIB_CHILD_REPORT_ABANDONED_CHILD_H_
