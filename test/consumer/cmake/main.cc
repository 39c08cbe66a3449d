#include <iostream>

#include "warden/warden.h"

// Starts a shell that ignores two signals, and ends it.
int main() {
  using warden::Child;
  auto spawned = Child::spawn(warden::Command("sh")
                                  .args({"-c", "trap '' INT TERM; echo ready; while :; do sleep 1; done"})
                                  .stdout_to(warden::Stdio::capture()));
  if (!spawned) {
    std::cerr << spawned.error() << '\n';
    return 1;
  }
  Child child = std::move(spawned).value();
  const auto line = child.wait_for_line(warden::OutputStream::kStdout, "ready", absl::Seconds(60));
  const auto ended = child.terminate(absl::Milliseconds(10), absl::Milliseconds(10));
  if (!line || !ended) return 1;
  std::cout << "warden " WARDEN_VERSION ": " << ended.value() << '\n';
  return ended.value() == warden::ExitStatus::signaled(warden::Signal::kill(), false) ? 0 : 1;
}
