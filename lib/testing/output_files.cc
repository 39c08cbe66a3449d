#include "lib/testing/output_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "lib/base/printable.h"

namespace warden::testing::internal {
namespace {

constexpr std::size_t kMostOfAName = 100;

// In place of an errno: the file was written.
constexpr int kWritten = 0;

char plain(char byte) {
  const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                        byte == '.' || byte == '_' || byte == '-' || byte == '+';
  return is_plain ? byte : '_';
}

std::string file_name(std::string text) {
  text.resize(std::min(text.size(), kMostOfAName));
  std::transform(text.begin(), text.end(), text.begin(), plain);
  return text;
}

// The running test; outside of tests, the running suite.
std::string test_name() {
  const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
  if (const ::testing::TestInfo* const test = all.current_test_info()) {
    return absl::StrCat(test->test_suite_name(), ".", test->name());
  }
  const ::testing::TestSuite* const suite = all.current_test_suite();
  return suite == nullptr ? "program" : suite->name();
}

std::string child_name(const ChildRecord& record) { return record.name.substr(record.name.rfind('/') + 1); }

// Returns EEXIST when the file exists, and does not touch it.
int write_new_file(const std::string& path, const std::vector<std::string_view>& pieces) {
  FILE* const file = ::fopen(path.c_str(), "wxe");
  if (file == nullptr) return errno;
  bool is_written = true;
  for (const std::string_view piece : pieces) {
    is_written = ::fwrite(piece.data(), 1, piece.size(), file) == piece.size() && is_written;
  }
  return ::fclose(file) == 0 && is_written ? kWritten : EIO;
}

std::string attempts_file(const ChildRecord& record) {
  std::string text = headline(record) + "\n";
  if (record.problem.has_value()) absl::StrAppend(&text, *record.problem, "\n");
  return text + attempts_text(record);
}

// Takes the first free name by creating its file of attempts. Returns an errno when the file cannot be written.
int take_stem(const std::string& wanted, const ChildRecord& record, std::string* stem) {
  const std::string text = attempts_file(record);
  *stem = wanted;
  for (int number = 2;; ++number) {
    const int error = write_new_file(*stem + ".attempts", {text});
    if (error != EEXIST) return error;
    *stem = absl::StrCat(wanted, ".", number);
  }
}

int write_output(const std::string& path, const std::optional<warden::Output>& output) {
  return output.has_value() ? write_new_file(path, output->chunks()) : kWritten;
}

}  // namespace

std::string write_output_files(const ChildRecord& record) {
  const char* const directory = ::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  if (directory == nullptr || *directory == '\0') return "";
  const std::string wanted = absl::StrCat(directory, "/", file_name(test_name()), ".", file_name(child_name(record)));
  std::string stem;
  int error = take_stem(wanted, record, &stem);
  if (error == kWritten) error = write_output(stem + ".stdout", record.out);
  if (error == kWritten) error = write_output(stem + ".stderr", record.err);
  const std::string shown = warden::internal::printable(stem);
  if (error == kWritten) {
    return absl::StrCat("  files: ", shown, ".{attempts", record.out.has_value() ? ",stdout" : "",
                        record.err.has_value() ? ",stderr" : "", "}\n");
  }
  return absl::StrCat("  files: ", shown,
                      ".* could not be written: ", std::error_code(error, std::generic_category()).message(), "\n");
}

}  // namespace warden::testing::internal
