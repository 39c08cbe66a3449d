// A text in lines that grow.
#include "lib/output/text_in_line.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace warden::internal {
namespace {

Line finished(std::string_view text) {
  Line line;
  line.text = text;
  return line;
}

Line unfinished(std::string_view text) {
  Line line = finished(text);
  line.unfinished = true;
  return line;
}

TEST(TextInLine, IsFoundOnceItsLastByteHasCome) {
  TextInLine ready("ready");
  EXPECT_FALSE(ready.is_in(unfinished("not rea")));
  EXPECT_FALSE(ready.is_in(unfinished("not read")));
  EXPECT_TRUE(ready.is_in(unfinished("not ready")));
}

TEST(TextInLine, IsFoundAtTheBeginningOfTheNextLine) {
  TextInLine ready("ready");
  EXPECT_FALSE(ready.is_in(unfinished("a long line")));
  EXPECT_FALSE(ready.is_in(finished("a long line")));
  EXPECT_TRUE(ready.is_in(finished("ready and so on")));
}

TEST(TextInLine, ThatIsEmptyIsInEveryLine) {
  TextInLine nothing("");
  EXPECT_TRUE(nothing.is_in(unfinished("a")));
  EXPECT_TRUE(nothing.is_in(finished("a")));
  EXPECT_TRUE(nothing.is_in(finished("")));
}

TEST(TextInLine, IsFoundHoweverTheLineGrows) {
  std::mt19937 random(7);
  const auto below = [&random](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound)(random);
  };
  for (int round = 0; round < 5000; ++round) {
    std::string text(below(4), '\0'), line;
    for (char& byte : text) byte = "ab"[below(1)];
    TextInLine search(text);
    for (int part = 0; part < 6; ++part) {
      for (std::size_t i = below(5); i > 0; --i) line += "ab"[below(1)];
      const bool is_in = line.find(text) != std::string::npos;
      ASSERT_EQ(search.is_in(unfinished(line)), is_in) << text << " in " << line;
      if (is_in) break;  // the search is over
    }
  }
}

}  // namespace
}  // namespace warden::internal
