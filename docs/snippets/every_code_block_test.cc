// Each C++ block of the documentation stands, white space aside, in a snippet that is compiled and run, and each block
// of Bazel's language in the project that .ci/consumer builds.
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

std::vector<std::string> blocks_of(const std::string& language, const std::string& markdown) {
  const std::string open = "```" + language + '\n';
  std::vector<std::string> blocks;
  for (std::size_t at = markdown.find(open); at != std::string::npos; at = markdown.find(open, at)) {
    at += open.size();
    const std::size_t end = markdown.find("```", at);
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

// How many blocks there are; each is in that text.
std::size_t expect_all_in(const std::string& text, const std::string& language) {
  std::size_t checked = 0;
  for (const fs::path& page : pages()) {
    for (const std::string& block : blocks_of(language, read(page))) {
      EXPECT_NE(text.find(folded(block)), std::string::npos) << page << " has code that nothing runs:\n" << block;
      ++checked;
    }
  }
  return checked;
}

TEST(Documentation, EveryCodeBlockIsCompiledAndRun) {
  std::string snippets;
  for (const char* name : {"guide", "readme", "testing"}) {
    snippets += folded(read(std::string("docs/snippets/") + name + "_snippets_test.cc"));
  }
  EXPECT_GE(expect_all_in(snippets, "cpp"), 16U) << "the pages were not found";
}

TEST(Documentation, EveryBuildFileIsThatOfAProject) {
  std::string files;
  for (const char* name : {"WORKSPACE", ".bazelrc", "BUILD.bazel", "MODULE.bazel", "own_dependencies/WORKSPACE"}) {
    files += folded(read(fs::path("test/consumer") / name));
  }
  EXPECT_GE(expect_all_in(files, "starlark"), 5U) << "the page was not found";
}

// The page shows the whole of it.
TEST(Documentation, TheWorkspaceIsTheProjects) {
  const std::vector<std::string> blocks = blocks_of("starlark", read("docs/dependency.md"));
  ASSERT_FALSE(blocks.empty());
  EXPECT_EQ(blocks.front(), read("test/consumer/WORKSPACE"));
}

}  // namespace
