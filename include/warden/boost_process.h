// Takes a process that Boost.Process v2 started under supervision. The only public header that includes Boost.Process.
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

// Takes over from `process`, which is detached on success: its destructor ends nothing, and its wait must not be called
// any more (no asynchronous wait may be pending). On failure `process` is unchanged. Any launcher and executor will do.
// Errors: as Child::adopt; also Errc::kNotAChild when `process` has been waited for.
template <class Executor>
Result<Child, SpawnError> adopt(boost::process::v2::basic_process<Executor>&& process,
                                const AdoptOptions& options = {}) {
  Result<Child, SpawnError> child = Child::adopt(static_cast<int>(process.id()), options);
  if (child.has_value()) process.detach();
  return child;
}

}  // namespace warden

#endif  // WARDEN_BOOST_PROCESS_H_
