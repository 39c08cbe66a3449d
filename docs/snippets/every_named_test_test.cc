// Each test that a table of the documentation names is there.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The text of every test, and after it the names of the files.
std::string tests() {
  std::string all, names;
  for (const auto& entry : fs::recursive_directory_iterator("test")) {
    if (entry.path().extension() != ".cc") continue;
    all += read(entry.path());
    names += "\n/" + entry.path().stem().string() + "\n";
  }
  return all + names;
}

// The last column of the tables of a page.
std::string last_columns(const fs::path& page) {
  std::istringstream lines(read(page));
  std::string columns;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.rfind(" |");
    const std::size_t begin = end == std::string::npos ? end : line.rfind(" | ", end - 1);
    if (line.rfind("| ", 0) == 0 && begin != std::string::npos) columns += line.substr(begin, end - begin) + "\n";
  }
  return columns;
}

TEST(Documentation, EveryNamedTestIsThere) {
  const std::string all = tests();
  static const std::regex kFile("`(?:[a-z]+/)?([a-z_]+_test)`"), kTest("\\b[A-Z]\\w*[a-z][A-Z]\\w{4,}");
  std::size_t checked = 0;
  for (const char* page : {"docs/hazards.md", "docs/comparison.md", "test/README.md"}) {
    const std::string columns = last_columns(page);
    for (std::sregex_iterator found(columns.begin(), columns.end(), kFile), end; found != end; ++found, ++checked) {
      EXPECT_NE(all.find("\n/" + (*found)[1].str() + "\n"), std::string::npos) << page << ": " << found->str();
    }
    for (std::sregex_iterator found(columns.begin(), columns.end(), kTest), end; found != end; ++found, ++checked) {
      const std::string name = found->str();
      const bool is_there =
          all.find(", " + name + ")") != std::string::npos || all.find("(" + name + ", ") != std::string::npos;
      EXPECT_TRUE(is_there) << page << ": " << name;
    }
  }
  EXPECT_GE(checked, 150U) << "the tables were not found";
}

}  // namespace
