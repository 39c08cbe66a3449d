// The code of README.md, compiled and run. every_code_block_test.cc checks that it is the same.
#include <iostream>

#include "gtest/gtest.h"
#include "warden/warden.h"

namespace {

void use_it() {
  warden::Command command("sh");
  command.args({"-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done"}).env("PORT", "5555");

  warden::Result<warden::Child, warden::SpawnError> spawned = warden::Child::spawn(command);
  if (!spawned) {
    std::cerr << spawned.error() << '\n';  // the step that failed, the path, the errno's text
    return;
  }
  warden::Child child = std::move(spawned).value();

  // Ends it and everything in its process group; blocks for 1 s + 5 s + 3 s at most.
  warden::Result<warden::ExitStatus, warden::TerminationError> ended =
      child.terminate(/*interrupt_timeout=*/absl::Seconds(1), /*terminate_timeout=*/absl::Seconds(5));
  if (ended) {
    std::cout << ended.value() << '\n';  // "killed by SIGINT"
  } else {
    std::cerr << ended.error() << '\n';  // every attempt, with its errno's text
  }
}

void in_one_call() {
  warden::RunOptions options;
  options.stdin_text = "3\n1\n2\n";
  options.timeout = absl::Seconds(30);
  const auto sorted = warden::require_success(warden::run(warden::Command("sort"), options));
  if (sorted) {
    std::cout << sorted.value().stdout_output.text();
  } else {
    std::cerr << sorted.error() << '\n';  // why it was no success, with the last lines of stderr
  }
}

TEST(Readme, UseItPrintsWhatItSays) {
  ::testing::internal::CaptureStdout();
  use_it();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "killed by SIGINT\n");
}

TEST(Readme, OneCallFeedsAndReads) {
  ::testing::internal::CaptureStdout();
  in_one_call();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "1\n2\n3\n");
}

}  // namespace
