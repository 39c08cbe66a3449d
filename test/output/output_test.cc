// An Output is a value: what a copy, an assignment and a move keep.
#include "warden/output.h"

#include <errno.h>

#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "gtest/gtest.h"
#include "lib/output/output_access.h"
#include "warden/output_line.h"

namespace warden {
namespace {

const std::error_code kReadError(EIO, std::generic_category());

Output full() {
  std::shared_ptr<char> bytes(new char[4], std::default_delete<char[]>());
  std::string("text").copy(bytes.get(), 4);
  return internal::OutputAccess::make({{bytes, 4}}, {10, true, kReadError, "tail"});
}

void expect_full(const Output& output) {
  EXPECT_EQ(output.text(), "text");
  EXPECT_EQ(output.size(), 4u);
  EXPECT_EQ(output.total_bytes(), 10u);
  EXPECT_TRUE(output.truncated());
  EXPECT_TRUE(output.complete());
  EXPECT_EQ(output.read_error(), kReadError);
  EXPECT_EQ(output.tail(), "tail");
}

void expect_empty(const Output& output) {
  EXPECT_TRUE(output.chunks().empty());
  EXPECT_EQ(output.size(), 0u);
  EXPECT_EQ(output.total_bytes(), 0u);
  EXPECT_FALSE(output.truncated());
  EXPECT_FALSE(output.complete());
  EXPECT_FALSE(output.read_error());
  EXPECT_EQ(output.tail(), "");
}

TEST(OutputTest, CopyHasEverything) {
  const Output original = full();
  const Output copy = original;  // NOLINT(performance-unnecessary-copy-initialization): a copy is what is tested
  expect_full(copy);
  expect_full(original);
}

TEST(OutputTest, AssignmentReplacesEverything) {
  const Output original = full();
  Output assigned;
  assigned = original;
  expect_full(assigned);
  expect_full(original);
  assigned = Output();
  expect_empty(assigned);
}

TEST(OutputTest, MoveTakesEverything) {
  Output original = full();
  Output moved = std::move(original);
  expect_full(moved);
  expect_empty(original);  // NOLINT(bugprone-use-after-move): what is left of it is promised
  Output assigned;
  assigned = std::move(moved);
  expect_full(assigned);
}

TEST(OutputTest, AssignmentToItselfKeepsEverything) {
  Output output = full();
  Output& same = output;
  output = same;
  expect_full(output);
}

TEST(LineWaitTest, TextForgesNoLineWithWhatTheChildWrote) {
  std::ostringstream out;
  out << LineWait{LineWait::Kind::kMatched, "listening\r\x1b[2K\xc2\x9b\xff"};
  EXPECT_EQ(out.str(), "matched \"listening\\x0d\\x1b[2K\\xc2\\x9b\\xff\"");
}

}  // namespace
}  // namespace warden
