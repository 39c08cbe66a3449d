// Takes under supervision a process that Boost.Process v2 started. The only public header that includes Boost.Process.
//
// Example:
//   boost::process::v2::process process(context, "/usr/bin/server", {});
//   warden::Result<warden::Child, warden::SpawnError> child = warden::adopt(std::move(process));
#ifndef WARDEN_BOOST_PROCESS_H_
#define WARDEN_BOOST_PROCESS_H_

#include <boost/process/v2/process.hpp>
#include <utility>

#include "warden/child.h"

namespace warden {

// Takes over a process that any launcher started, with any executor. Detaches `process` on success: its destructor then
// ends nothing, and the caller must not call its wait any more. On failure `process` is unchanged.
// Errors: as Child::adopt; also Errc::kNotAChild when `process` has been waited for.
// REQUIRES: no asynchronous wait is pending.
template <class Executor>
Result<Child, SpawnError> adopt(boost::process::v2::basic_process<Executor>&& process,
                                const AdoptOptions& options = {}) {
  Result<Child, SpawnError> child = Child::adopt(static_cast<int>(process.id()), options);
  if (child.has_value()) process.detach();
  return child;
}

}  // namespace warden

#endif  // WARDEN_BOOST_PROCESS_H_
