// Constants and layouts of the kernel that Debian 12's headers lack (linux/pidfd.h of 6.15, linux/close_range.h,
// linux/sched.h, linux/fs.h).
#ifndef WARDEN_LIB_OS_KERNEL_ABI_H_
#define WARDEN_LIB_OS_KERNEL_ABI_H_

#include <sys/ioctl.h>

#include <cstdint>

namespace warden::internal {

inline constexpr unsigned kPidfdSignalProcessGroup = 1u << 2;  // PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9
inline constexpr int kWaitByPidfd = 3;                         // P_PIDFD, Linux 5.4
inline constexpr unsigned kCloseRangeUnshare = 1u << 1;        // CLOSE_RANGE_UNSHARE, Linux 5.9
inline constexpr unsigned kMemfdExec = 1u << 4;                // MFD_EXEC, Linux 6.3
inline constexpr int kNoWaitFlag = 1 << 3;                     // RWF_NOWAIT of pwritev2, Linux 4.13; for pipes 6.4
inline constexpr int kNoSignalFlag = 1 << 8;                   // RWF_NOSIGNAL of pwritev2, Linux 6.18

// struct pidfd_info, first published version (64 bytes) with the exit code (PIDFD_INFO_EXIT, Linux 6.15).
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroupid;
  std::uint32_t pid, tgid, ppid;
  std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64, "the size is part of the ioctl's number");
inline constexpr std::uint64_t kPidfdInfoExit = 1u << 3;
inline constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// struct linux_dirent64 of getdents64(2).
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t offset;  // where the next entry is, for lseek(2)
  unsigned short length;
  unsigned char type;
  char name[1];
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_KERNEL_ABI_H_
