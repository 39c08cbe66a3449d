// Waits for a line of a child's output.
#ifndef WARDEN_LIB_CHILD_WAIT_FOR_LINE_H_
#define WARDEN_LIB_CHILD_WAIT_FOR_LINE_H_

#include "lib/output/line_subscription.h"
#include "lib/output/output_pump.h"
#include "lib/supervise/supervised.h"
#include "warden/output_line.h"

namespace warden::internal {

// Looks first at everything that the child had written before the call, whatever the deadline; once the child has
// ended, at an unfinished last line, too. Rethrows what the predicate throws.
LineWait wait_for_line(Supervised& child, OutputPump& pump, CapturedStream& stream, const LinePredicate& predicate,
                       LineWish wish, TimePoint deadline);

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_WAIT_FOR_LINE_H_
