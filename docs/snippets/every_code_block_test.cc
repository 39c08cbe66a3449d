// Each C++ block of the documentation stands, white space aside, in a snippet that is compiled and run.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// One space for each run of white space.
std::string folded(const std::string& text) {
  std::istringstream words(text);
  std::string result, word;
  while (words >> word) result += word + ' ';
  return result;
}

std::vector<std::string> cpp_blocks(const std::string& markdown) {
  static const std::string kOpen = "```cpp\n", kClose = "```";
  std::vector<std::string> blocks;
  for (std::size_t at = markdown.find(kOpen); at != std::string::npos; at = markdown.find(kOpen, at)) {
    at += kOpen.size();
    const std::size_t end = markdown.find(kClose, at);
    blocks.push_back(markdown.substr(at, end - at));
    at = end;
  }
  return blocks;
}

std::vector<fs::path> pages() {
  std::vector<fs::path> found = {"README.md"};
  for (const auto& entry : fs::recursive_directory_iterator("docs")) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  return found;
}

TEST(Documentation, EveryCodeBlockIsCompiledAndRun) {
  std::string snippets;
  for (const char* name : {"guide", "readme", "testing"}) {
    snippets += folded(read(std::string("docs/snippets/") + name + "_snippets_test.cc"));
  }
  std::size_t checked = 0;
  for (const fs::path& page : pages()) {
    for (const std::string& block : cpp_blocks(read(page))) {
      EXPECT_NE(snippets.find(folded(block)), std::string::npos) << page << " has code that no snippet has:\n" << block;
      ++checked;
    }
  }
  EXPECT_GE(checked, 16U) << "the pages were not found";
}

}  // namespace
