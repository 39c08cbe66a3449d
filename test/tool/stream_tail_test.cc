// The part of a stream that the report keeps, and the text that shows that a program is ready, however the bytes are
// cut.
#include "lib/tool/stream_tail.h"

#include <algorithm>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/tool/ready_line.h"

namespace warden::tool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TailLines tail_of(const std::string& text, std::size_t lines, std::size_t limit = 1000) {
  StreamTail tail(lines, limit);
  tail.add(text);
  return tail.lines();
}

TEST(StreamTail, HasTheLastLinesInOrder) {
  EXPECT_THAT(tail_of("a\nb\nc\n", 2).lines, ElementsAre("b", "c"));
  EXPECT_THAT(tail_of("a\nb\nc\n", 3).lines, ElementsAre("a", "b", "c"));
  EXPECT_THAT(tail_of("a\nb\nc\n", 9).lines, ElementsAre("a", "b", "c"));
  EXPECT_FALSE(tail_of("a\nb\nc\n", 2).truncated);
}

TEST(StreamTail, HasNoLineOfNothing) { EXPECT_THAT(tail_of("", 2).lines, IsEmpty()); }

TEST(StreamTail, HasEmptyLines) {
  EXPECT_THAT(tail_of("\n", 2).lines, ElementsAre(""));
  EXPECT_THAT(tail_of("a\n\n\n", 3).lines, ElementsAre("a", "", ""));
}

TEST(StreamTail, HasAnUnterminatedLastLine) { EXPECT_THAT(tail_of("a\nb", 1).lines, ElementsAre("b")); }

TEST(StreamTail, KeepsEveryByteOfALine) {
  const std::string line("\0\r\xff\x1b", 4);
  EXPECT_THAT(tail_of(line + "\n", 1).lines, ElementsAre(line));
}

TEST(StreamTail, MarksALineThatIsLongerThanTheLimitAndHasItsEnd) {
  const TailLines tail = tail_of("a\n0123456789", 2, 4);
  EXPECT_THAT(tail.lines, ElementsAre("6789"));
  EXPECT_TRUE(tail.truncated);
  EXPECT_TRUE(tail.first_line_cut);
}

TEST(StreamTail, MarksLinesThatAreMissingThoughNoneIsCut) {
  const TailLines tail = tail_of("one\ntwo\nred\n", 3, 8);
  EXPECT_THAT(tail.lines, ElementsAre("two", "red"));
  EXPECT_TRUE(tail.truncated);
  EXPECT_FALSE(tail.first_line_cut);
}

TEST(StreamTail, MarksNothingWhenTheLimitLostOnlyOtherLines) {
  EXPECT_FALSE(tail_of("one\ntwo\nred\n", 2, 8).truncated);
  EXPECT_FALSE(tail_of("one\ntwo\nred\n", 1, 6).truncated);
}

// Compares every length, limit and number of lines, in random pieces, with the text as a whole.
TEST(StreamTail, IsTheSameForAnyPieces) {
  std::mt19937 random(20261124);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 60, '\0');
    for (char& byte : text) byte = "ab\n"[random() % 3];
    const std::size_t lines = 1 + random() % 6;
    const std::size_t limit = 1 + random() % 40;
    const TailLines whole = tail_of(text, lines, limit);
    StreamTail pieces(lines, limit);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(text.size() - at, 1 + random() % 9);
      pieces.add(std::string_view(text).substr(at, size));
      at += size;
    }
    const TailLines found = pieces.lines();
    EXPECT_EQ(found.lines, whole.lines) << text;
    EXPECT_EQ(found.truncated, whole.truncated) << text;
    EXPECT_EQ(found.first_line_cut, whole.first_line_cut) << text;
    // An unmarked line is the same as without a limit.
    const bool differs = found.lines != tail_of(text, lines, 1000).lines;
    EXPECT_EQ(found.truncated, differs || found.first_line_cut) << text << " " << lines << " " << limit;
  }
}

TEST(ReadyLine, IsFoundWhereverItIsCut) {
  const std::string text = "xx ready yy\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    for (std::size_t second = cut; second <= text.size(); ++second) {
      ReadyLine line("ready");
      line.add(text.substr(0, cut));
      line.add(text.substr(cut, second - cut));
      line.add(text.substr(second));
      EXPECT_TRUE(line.found()) << cut << " " << second;
    }
  }
}

TEST(ReadyLine, IsNotFoundOverTwoLines) {
  ReadyLine line("ready");
  line.add("rea\ndy read");
  line.add("\ny");
  EXPECT_FALSE(line.found());
}

TEST(ReadyLine, MayBeOneByteAndStayFound) {
  ReadyLine line(">");
  line.add("a\n");
  EXPECT_FALSE(line.found());
  line.add(">");
  line.add("a");
  EXPECT_TRUE(line.found());
}

TEST(ReadyLine, IsFoundBehindAMebibyteOfItsLineAndInTheNextOne) {
  const std::string before(ReadyLine::kLongest, 'x');
  ReadyLine within("ready"), beyond("ready");
  within.add(before);
  within.add("ready");
  EXPECT_TRUE(within.found());
  beyond.add("x" + before);
  beyond.add("ready");
  EXPECT_FALSE(beyond.found());
  beyond.add("\nready");
  EXPECT_TRUE(beyond.found());
}

}  // namespace
}  // namespace warden::tool
