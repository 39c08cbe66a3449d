// A program that uses the library on a thread with little stack, or with much thread-local storage: stack_host STACK
//
// STACK: the size of the thread's stack in bytes, or 0 for the default. Prints "ok", or what went wrong.
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "warden/warden.h"

// A reaper has no guard page, so that one with too little stack would overrun in silence. Here each thread keeps the
// page that it has by default.
extern "C" int pthread_attr_setguardsize(pthread_attr_t*, size_t) noexcept { return 0; }

namespace {

using warden::Child;
using warden::Command;
using warden::Stdio;

const char* failure = nullptr;

void check(bool holds, const char* what) {
  if (!holds && failure == nullptr) failure = what;
}

Command shell(const char* script) { return Command("/bin/sh").args({"-c", script}); }

void spawn(bool die_with_parent) {
  auto child = Child::spawn(shell("exit 3").die_with_parent(die_with_parent));
  check(child.has_value(), "spawn");
  if (!child) return;
  const auto status = child.value().wait();
  check(status.has_value() && status.value() == warden::ExitStatus::exited(3), "wait");
}

void fail_to_spawn() { check(!Child::spawn(Command("no-program-of-this-name")).has_value(), "a missing program"); }

void run_cat() {
  warden::RunOptions options;
  options.stdin_text = std::string(100'000, 'x');
  const auto ran = warden::run(Command("/bin/cat").stdout_to(Stdio::capture()), options);
  check(ran.has_value() && ran.value().stdout_output.text().size() == 100'000, "run");
}

void terminate() {
  auto child = Child::spawn(shell("trap '' TERM; echo ready; sleep 1000 & wait").stdout_to(Stdio::capture()));
  check(child.has_value(), "spawn of a group");
  if (!child) return;
  check(child.value().wait_for_line(warden::OutputStream::kStdout, "ready", absl::Seconds(60)).has_value(), "a line");
  check(child.value().terminate(warden::TerminationPolicy::service(absl::ZeroDuration())).has_value(), "terminate");
}

size_t stack = 0;

// run() needs more than the others.
void* use_library(void*) {
  spawn(false);
  spawn(true);
  fail_to_spawn();
  terminate();
  if (stack == 0 || stack >= 32 * 1024) run_cat();
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  stack = argc > 1 ? strtoul(argv[1], nullptr, 10) : 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_t thread;
  const bool is_created = (stack == 0 || pthread_attr_setstacksize(&attributes, stack) == 0) &&
                          pthread_create(&thread, &attributes, use_library, nullptr) == 0;
  if (is_created) pthread_join(thread, nullptr);
  check(is_created, "no thread");
  puts(failure == nullptr ? "ok" : failure);
  return failure == nullptr ? 0 : 1;
}
