// Whether a descriptor is still the file that it was. A host that closes every descriptor (closefrom(3),
// close_range(2)) closes ours, and may have a file of its own at the number since.
#ifndef WARDEN_LIB_OS_FILE_IDENTITY_H_
#define WARDEN_LIB_OS_FILE_IDENTITY_H_

#include <sys/types.h>

namespace warden::internal {

// A mark on an open file: a signal's number by F_SETSIG, which has no effect without O_ASYNC (fcntl(2)).
//
// For events of one call; not given by mark_file(int). qemu-user does not know the higher ones.
inline constexpr int kEventMark = 62;

// False where the kernel refuses it.
bool mark_file(int fd, int mark);
// With one of 61 marks in turn, which it returns; 0 where the kernel refuses it.
int mark_file(int fd);
// True, too, where the kernel refuses to tell.
bool has_mark(int fd, int mark);

// Tells apart files with inodes of their own: pipes, sockets, pidfds, and files that have a name.
class FileIdentity {
 public:
  // Of no file: every descriptor passes for it.
  FileIdentity() = default;
  // Of the file at `fd`. Of none where fstat(2) does not tell.
  static FileIdentity of(int fd);
  // The same of a pidfd, which gets a mark, too: those of one process are one inode, and before Linux 6.9 all are.
  static FileIdentity of_pidfd(int fd);

  bool is_known() const { return is_known_; }
  // Whether it is the file, or another pidfd of the same process. True, too, where the kernel refuses to tell.
  bool is_at(int fd) const;
  // The same, and not another pidfd: for who closes it.
  bool is_the_same_at(int fd) const { return is_at(fd) && (mark_ == 0 || has_mark(fd, mark_)); }

 private:
  bool is_known_ = false;
  bool is_told_by_inode_ = true;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  int mark_ = 0;  // 0 for none
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_FILE_IDENTITY_H_
