// The keeper of a child that is a tree.
#ifndef WARDEN_TEST_SUPPORT_KEEPER_OF_H_
#define WARDEN_TEST_SUPPORT_KEEPER_OF_H_

#include <string>

#include "lib/os/proc.h"
#include "lib/os/process_table.h"
#include "warden/child.h"

namespace warden::test_support {

// Its number: the parent of the program, which must be there still.
inline int keeper_of(const Child& child) {
  std::string text;
  internal::read_proc_file(("/proc/" + std::to_string(child.pid()) + "/stat").c_str(), &text);
  return internal::parse_stat(text).value().parent;
}

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_KEEPER_OF_H_
