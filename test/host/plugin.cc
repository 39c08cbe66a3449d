// A plug-in that holds a copy of the library, for unload_test: starts children that run until they are killed.
#include <string>
#include <utility>

#include "warden/child.h"
#include "warden/command.h"
#include "warden/exit_status.h"

namespace {

warden::Child* kept = nullptr;  // never destroyed

warden::Child start(const char* program) {
  return warden::Child::spawn(warden::Command(program).arg("sleep").stdout_to(warden::Stdio::capture())).value();
}

}  // namespace

// Returns the number of a child that this object keeps no handle to: its threads go on by themselves.
extern "C" int start_detached(const char* program) {
  warden::Child child = start(program);
  child.detach_on_destruction();
  return child.pid();
}

extern "C" int start_kept(const char* program) {
  kept = new warden::Child(start(program));
  return kept->pid();
}

// Returns the signal that has ended the kept child.
extern "C" int wait_for_kept() {
  const warden::ExitStatus status = kept->wait().value();
  delete std::exchange(kept, nullptr);
  return status.signal().has_value() ? status.signal()->number() : 0;
}
