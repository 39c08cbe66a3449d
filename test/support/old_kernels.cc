#include "test/support/old_kernels.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

#include "test/support/every_setting.h"

namespace warden::test_support {
namespace {

using When = RefusedCall::When;

constexpr std::uint32_t kPidfdGetInfo = 0xc040ff0b;  // PIDFD_GET_INFO, which Debian 12's headers lack

RefusedCall pidfd_info(int error) { return {SYS_ioctl, error, When::kArgumentIs, kPidfdGetInfo, 1}; }
RefusedCall set_owner(int error) { return {SYS_fcntl, error, When::kArgumentIs, F_SETOWN, 1}; }
RefusedCall get_owner(int error) { return {SYS_fcntl, error, When::kArgumentIs, F_GETOWN_EX, 1}; }
RefusedCall wipe(int error) { return {SYS_madvise, error, When::kArgumentIs, MADV_WIPEONFORK, 2}; }

std::vector<OldKernel> kernels_without_calls(const std::string& suffix, int error) {
  const std::vector<RefusedCall> pidfds = {refused_pidfd_clone(error), {SYS_pidfd_open, error}};
  std::vector<RefusedCall> all = {pidfds[0],
                                  pidfds[1],
                                  refused_shared_clone(error),
                                  refused_pidfd_wait(error),
                                  pidfd_info(error),
                                  set_owner(error),
                                  get_owner(error),
                                  wipe(error),
                                  {SYS_pidfd_send_signal, error},
                                  {SYS_close_range, error},
                                  {SYS_unshare, error},
                                  {SYS_eventfd2, error}};
  return {{"CloseRange" + suffix, {{SYS_close_range, error}}},
          {"Unshare" + suffix, {{SYS_unshare, error}}},
          {"CloseRangeAndUnshare" + suffix, {{SYS_close_range, error}, {SYS_unshare, error}}},
          {"SharedClone" + suffix, {refused_shared_clone(error)}},
          {"PidfdOfClone" + suffix, {refused_pidfd_clone(error)}},
          {"PidfdOpen" + suffix, {{SYS_pidfd_open, error}}},
          {"AnyPidfd" + suffix, pidfds},
          {"PidfdOfCloneAndTableOfTheReaper" + suffix, {refused_pidfd_clone(error), {SYS_close_range, error}}},
          {"PidfdSignal" + suffix, {{SYS_pidfd_send_signal, error}}},
          {"PidfdGroupSignal" + suffix, {refused_group_signals(error)}},
          {"WaitByPidfd" + suffix, {refused_pidfd_wait(error)}},
          {"PidfdInfo" + suffix, {pidfd_info(error)}},
          {"PidfdInfoAndGroupSignal" + suffix, {pidfd_info(error), refused_group_signals(error)}},
          {"GroupSignalAndOwner" + suffix, {refused_group_signals(error), set_owner(error), get_owner(error)}},
          {"GroupSignalAndReadingOfTheOwner" + suffix, {refused_group_signals(error), get_owner(error)}},
          {"Event" + suffix, {{SYS_eventfd2, error}}},
          {"WipeOnFork" + suffix, {wipe(error)}},
          {"EverythingNew" + suffix, all}};
}

// One of each kind, and the worst.
bool is_chosen(const OldKernel& kernel) {
  static const char* const kChosen[] = {"Nothing",
                                        "FlagsUnknown",
                                        "PidfdGroupSignalFlagUnknown",
                                        "NoFileForThePidfd",
                                        "CloseRangeAndUnshareForbidden",
                                        "AnyPidfdUnknown",
                                        "PidfdSignalForbidden",
                                        "PidfdSignalInvalid",
                                        "SharedCloneInvalid",
                                        "WaitByPidfdForbidden",
                                        "PidfdInfoAndGroupSignalUnknown",
                                        "GroupSignalAndReadingOfTheOwnerForbidden",
                                        "EverythingNewUnknown",
                                        "EverythingNewForbidden",
                                        "EverythingNewInvalid"};
  return std::find(std::begin(kChosen), std::end(kChosen), kernel.name) != std::end(kChosen);
}

}  // namespace

void PrintTo(const OldKernel& kernel, std::ostream* out) { *out << kernel.name; }

std::vector<OldKernel> old_kernels() {
  std::vector<OldKernel> all = {
      {"Nothing", {{SYS_acct, ENOSYS}}},
      {"Clone3Unknown", {{SYS_clone3, ENOSYS}}},
      {"FlagsUnknown",
       {refused_pidfd_clone(EINVAL), refused_pidfd_wait(EINVAL), refused_wait_for_all(), refused_group_signals(EINVAL),
        wipe(EINVAL), pidfd_info(ENOTTY)}},
      {"PidfdOfCloneFlagUnknown", {refused_pidfd_clone(EINVAL)}},
      {"PidfdGroupSignalFlagUnknown", {refused_group_signals(EINVAL)}},
      {"WaitByPidfdFlagUnknown", {refused_pidfd_wait(EINVAL)}},
      {"NoDescriptorForThePidfd", {refused_pidfd_clone(EMFILE)}},
      {"NoFileForThePidfd", {refused_pidfd_clone(ENFILE)}},
  };
  for (auto& [suffix, error] :
       {std::pair("Unknown", ENOSYS), std::pair("Forbidden", EPERM), std::pair("Invalid", EINVAL)}) {
    for (OldKernel& kernel : kernels_without_calls(suffix, error)) all.push_back(std::move(kernel));
  }
  if (wants_every_setting()) return all;
  std::vector<OldKernel> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some), is_chosen);
  return some;
}

}  // namespace warden::test_support
