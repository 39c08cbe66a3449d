// Lines from bytes that are cut anywhere.
#include "lib/output/line_splitter.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace warden::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Seen {
  std::string text;
  bool truncated;

  bool operator==(const Seen& other) const { return text == other.text && truncated == other.truncated; }
};

void PrintTo(const Seen& seen, std::ostream* out) { *out << '"' << seen.text << (seen.truncated ? "\"..." : "\""); }

Seen whole(std::string text) { return {std::move(text), false}; }
Seen cut_off(std::string text) { return {std::move(text), true}; }

Seen copy_of(const Line& line) { return {std::string(line.text), line.truncated}; }

void feed(LineSplitter& splitter, std::string_view piece, std::vector<Seen>* seen) {
  Line line;
  while (splitter.next(&piece, &line)) seen->push_back(copy_of(line));
  EXPECT_TRUE(piece.empty());
}

std::vector<Seen> split(std::size_t max, const std::vector<std::string>& pieces) {
  LineSplitter splitter(max);
  std::vector<Seen> seen;
  for (const std::string& piece : pieces) feed(splitter, piece, &seen);
  Line line;
  if (splitter.finish(&line)) seen.push_back(copy_of(line));
  EXPECT_FALSE(splitter.finish(&line)) << "again";
  return seen;
}

TEST(LineSplitter, SplitsAtNewlinesOnly) {
  EXPECT_THAT(split(100, {"a\nbc\n\nd\n"}), ElementsAre(whole("a"), whole("bc"), whole(""), whole("d")));
  EXPECT_THAT(split(100, {"a\r\n\rb\v\f\n"}), ElementsAre(whole("a\r"), whole("\rb\v\f")));
  const std::string nul("a\0b\n", 4);
  EXPECT_THAT(split(100, {nul + "\xff\xfe\n"}), ElementsAre(whole(std::string("a\0b", 3)), whole("\xff\xfe")));
}

TEST(LineSplitter, HandsOutALastLineWithoutANewline) {
  EXPECT_THAT(split(100, {"a\ntail"}), ElementsAre(whole("a"), whole("tail")));
  EXPECT_THAT(split(100, {"ta", "il"}), ElementsAre(whole("tail")));
  EXPECT_THAT(split(100, {"a\n"}), ElementsAre(whole("a")));
  EXPECT_THAT(split(100, {}), IsEmpty());
  EXPECT_THAT(split(100, {""}), IsEmpty());
}

TEST(LineSplitter, JoinsWhatWasCut) {
  EXPECT_THAT(split(100, {"a", "b", "\nc", "", "d\n", "\n"}), ElementsAre(whole("ab"), whole("cd"), whole("")));
}

TEST(LineSplitter, DropsTheRestOfALineThatIsTooLongAndMarksIt) {
  EXPECT_THAT(split(3, {"abc\nabcd\nabcdefgh\nx\n"}),
              ElementsAre(whole("abc"), cut_off("abc"), cut_off("abc"), whole("x")));
  EXPECT_THAT(split(3, {"abc", "defghi", "jkl", "m\nx"}), ElementsAre(cut_off("abc"), whole("x")));
  EXPECT_THAT(split(3, {"ab", "c", "\nabc", "\n"}), ElementsAre(whole("abc"), whole("abc")));
  EXPECT_THAT(split(3, {"abcd"}), ElementsAre(cut_off("abc"))) << "and nothing at the end";
  EXPECT_THAT(split(1, {"a\nbb\n\n"}), ElementsAre(whole("a"), cut_off("b"), whole("")));
}

TEST(LineSplitter, HandsOutALineThatIsTooLongAtOnce) {
  LineSplitter splitter(3);
  std::vector<Seen> seen;
  feed(splitter, "abc", &seen);
  EXPECT_THAT(seen, IsEmpty()) << "a newline may come next";
  feed(splitter, "d", &seen);
  EXPECT_THAT(seen, ElementsAre(cut_off("abc")));
}

TEST(LineSplitter, ShowsALineThatHasNotEndedAndLetsItGrow) {
  LineSplitter splitter(5);
  std::vector<Seen> seen;
  Line line;
  EXPECT_FALSE(splitter.peek(&line)) << "nothing has come";
  feed(splitter, "a\nb", &seen);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(splitter.peek(&line));
    EXPECT_EQ(line.text, "b");
    EXPECT_TRUE(line.unfinished);
  }
  feed(splitter, "c", &seen);
  ASSERT_TRUE(splitter.peek(&line));
  EXPECT_EQ(line.text, "bc");
  feed(splitter, "d\n", &seen);
  EXPECT_FALSE(splitter.peek(&line)) << "it has ended";
  feed(splitter, "1234567", &seen);
  EXPECT_FALSE(splitter.peek(&line)) << "it was handed out";
  feed(splitter, "\nlast", &seen);
  ASSERT_TRUE(splitter.peek(&line));
  ASSERT_TRUE(splitter.finish(&line));
  EXPECT_EQ(copy_of(line), whole("last"));
  EXPECT_FALSE(splitter.peek(&line)) << "it was handed out";
  EXPECT_THAT(seen, ElementsAre(whole("a"), whole("bcd"), cut_off("12345")));
}

// What comes after a line was handed out is a line: no byte comes twice, and none is lost.
TEST(LineSplitter, BeginsALineAfterOneThatWasHandedOutUnfinished) {
  LineSplitter splitter(100);
  std::vector<Seen> seen;
  Line line;
  feed(splitter, "last words", &seen);
  ASSERT_TRUE(splitter.finish(&line));
  EXPECT_EQ(copy_of(line), whole("last words"));
  feed(splitter, " and", &seen);
  feed(splitter, " more\n\n", &seen);
  EXPECT_THAT(seen, ElementsAre(whole(" and more"), whole("")));
}

TEST(LineSplitter, MarksALineThatAGapHasCutAndSkipsTheRestOfAnUnknownOne) {
  LineSplitter splitter(100);
  std::vector<Seen> seen;
  Line line;
  feed(splitter, "a\nbegin", &seen);
  ASSERT_TRUE(splitter.cut(false, &line));
  EXPECT_EQ(copy_of(line), cut_off("begin"));
  feed(splitter, "rest", &seen);
  feed(splitter, " of it\nnext\n", &seen);
  EXPECT_FALSE(splitter.cut(true, &line)) << "no line has begun";
  feed(splitter, "last\n", &seen);
  EXPECT_THAT(seen, ElementsAre(whole("a"), whole("next"), whole("last")));
}

TEST(LineSplitter, HandsOutNothingOfALineWhoseBeginningIsUnknown) {
  LineSplitter splitter(100);
  std::vector<Seen> seen;
  Line line;
  EXPECT_FALSE(splitter.cut(false, &line));
  feed(splitter, "rest without an end", &seen);
  EXPECT_FALSE(splitter.finish(&line));
  EXPECT_THAT(seen, IsEmpty());
}

std::string random_text(std::mt19937& random) {
  static constexpr char kBytes[] = {'a', 'b', 'c', '\r', '\0', '\xff', '\n', '\n'};
  std::string text(std::uniform_int_distribution<std::size_t>(0, 200)(random), '\0');
  for (char& byte : text) byte = kBytes[std::uniform_int_distribution<std::size_t>(0, sizeof kBytes - 1)(random)];
  return text;
}

std::vector<std::string> cut_at_random(std::string_view text, std::mt19937& random) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const std::size_t size = std::uniform_int_distribution<std::size_t>(0, 9)(random);
    pieces.emplace_back(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
  }
  return pieces;
}

// Splits lines in another way than the splitter.
std::vector<Seen> expected_lines(std::size_t max, const std::string& text) {
  std::vector<Seen> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back({text.substr(at, std::min(max, end - at)), end - at > max});
    at = end + 1;
  }
  return lines;
}

TEST(LineSplitter, GivesTheSameLinesHoweverTheBytesAreCut) {
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    const std::string text = random_text(random);
    const std::size_t max = std::uniform_int_distribution<std::size_t>(1, 12)(random);
    ASSERT_EQ(split(max, cut_at_random(text, random)), expected_lines(max, text)) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace warden::internal
