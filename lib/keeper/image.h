// The keeper as a file that can be executed.
#ifndef WARDEN_LIB_KEEPER_IMAGE_H_
#define WARDEN_LIB_KEEPER_IMAGE_H_

namespace warden::internal {

// A close-on-exec descriptor of a file in memory (memfd_create(2)) that has the program, or -errno: EACCES where the
// system lets no such file be executed (vm.memfd_noexec=2).
int open_keeper_image();

}  // namespace warden::internal

#endif  // WARDEN_LIB_KEEPER_IMAGE_H_
