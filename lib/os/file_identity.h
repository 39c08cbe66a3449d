// Whether a descriptor is still the file that it was. A host that closes every descriptor (closefrom(3),
// close_range(2)) closes ours, and may have a file of its own at the number since.
#ifndef WARDEN_LIB_OS_FILE_IDENTITY_H_
#define WARDEN_LIB_OS_FILE_IDENTITY_H_

#include <sys/types.h>

namespace warden::internal {

// Tells apart files with inodes of their own: pipes, sockets, pidfds, and files that have a name.
class FileIdentity {
 public:
  // Of no file: every descriptor passes for it.
  FileIdentity() = default;
  // Of the file at `fd`. Of none where fstat(2) does not tell.
  static FileIdentity of(int fd);
  // The same of a pidfd. All pidfds are one inode before Linux 6.9: there it also gets one of 64 marks.
  static FileIdentity of_pidfd(int fd);

  bool is_known() const { return is_known_; }
  bool is_at(int fd) const;

 private:
  bool is_known_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  int mark_ = 0;  // of F_SETSIG, which has no effect without O_ASYNC (fcntl(2)); 0 for none
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_FILE_IDENTITY_H_
