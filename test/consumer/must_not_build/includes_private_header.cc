#include "lib/os/unique_fd.h"
#include "warden/child.h"

int number_of(const warden::Child& child) { return child.pid(); }
