// What the library keeps of a stream, within its limit.
#include "lib/output/chunk_list.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lib/output/output_chunk.h"
#include "test/support/large_text.h"

namespace warden::internal {
namespace {

using test_support::text_in_lines;

using Keep = CaptureOptions::Keep;

CaptureOptions options_of(std::uint64_t limit, Keep keep) {
  CaptureOptions options;
  options.limit = limit;
  options.keep = keep;
  return options;
}

// Fills the list as the pump does: bytes that fit go to where they are kept, the rest is lost.
void fill(ChunkList& list, std::string_view bytes) {
  while (!bytes.empty()) {
    const ChunkList::Space space = list.space();
    if (space.size == 0) return list.lose(bytes);
    const std::size_t count = std::min(space.size, bytes.size());
    std::memcpy(space.data, bytes.data(), count);
    list.commit(count);
    bytes.remove_prefix(count);
  }
}

std::string text_of(const std::vector<OutputChunk>& chunks) {
  std::string text;
  for (const OutputChunk& chunk : chunks) text.append(chunk.data.get(), chunk.size);
  return text;
}

std::string text_of(ChunkList& list) { return text_of(list.snapshot()); }

TEST(ChunkList, KeepsEverythingBelowTheLimit) {
  for (const Keep keep : {Keep::kFirst, Keep::kLast}) {
    ChunkList list(options_of(1'000'000, keep));
    EXPECT_EQ(text_of(list), "");
    const std::string text = text_in_lines(1'000'000);
    fill(list, text);
    EXPECT_EQ(text_of(list), text);
    EXPECT_EQ(list.size(), text.size());
    EXPECT_EQ(list.total(), text.size());
    EXPECT_TRUE(list.begins_a_line());
    EXPECT_FALSE(list.ends_early());
  }
}

TEST(ChunkList, KeepsTheFirstBytesAndNoMore) {
  ChunkList list(options_of(3, Keep::kFirst));
  fill(list, "ab");
  fill(list, "cdef");
  EXPECT_EQ(text_of(list), "abc");
  EXPECT_EQ(list.total(), 6u);
  EXPECT_TRUE(list.ends_early());
  EXPECT_TRUE(list.begins_a_line());
}

TEST(ChunkList, KnowsWhetherOnlyTheNewlineOfItsLastLineIsLost) {
  for (const auto& [first, then] : {std::pair("abc\nd", "\n"), std::pair("abc", "\nd")}) {
    ChunkList list(options_of(3, Keep::kFirst));
    EXPECT_FALSE(list.ends_before_newline());
    fill(list, first);
    fill(list, then);
    EXPECT_TRUE(list.ends_before_newline());
  }
  for (const std::size_t limit : {0u, 2u, 4u}) {
    ChunkList list(options_of(limit, Keep::kFirst));
    fill(list, limit == 0 ? "\nd" : "abc\n");
    fill(list, "d\n");
    EXPECT_FALSE(list.ends_before_newline()) << limit;
  }
}

TEST(ChunkList, KeepsTheLastBytesAndNoMore) {
  ChunkList list(options_of(3, Keep::kLast));
  fill(list, "ab");
  fill(list, "cdef");
  EXPECT_EQ(text_of(list), "def");
  EXPECT_EQ(list.total(), 6u);
  EXPECT_FALSE(list.ends_early());
  EXPECT_FALSE(list.begins_a_line());
}

TEST(ChunkList, AtItsLimitHasLostNothing) {
  for (const Keep keep : {Keep::kFirst, Keep::kLast}) {
    ChunkList list(options_of(4, keep));
    fill(list, "abcd");
    EXPECT_EQ(text_of(list), "abcd");
    EXPECT_EQ(list.total(), list.size());
    EXPECT_FALSE(list.ends_early());
    EXPECT_TRUE(list.begins_a_line());
  }
}

TEST(ChunkList, WithoutALimitKeepsEverything) {
  for (const Keep keep : {Keep::kFirst, Keep::kLast}) {
    ChunkList list(options_of(CaptureOptions::kUnbounded, keep));
    const std::string text = text_in_lines(20'000'000);
    fill(list, text);
    EXPECT_TRUE(text_of(list) == text);
  }
}

TEST(ChunkList, WithNothingToKeepKeepsNothing) {
  for (const Keep keep : {Keep::kFirst, Keep::kLast}) {
    ChunkList list(options_of(0, keep));
    fill(list, "abc");
    EXPECT_EQ(text_of(list), "");
    EXPECT_EQ(list.total(), 3u);
    EXPECT_EQ(list.allocated(), 0u);
  }
}

TEST(ChunkList, KnowsWhetherWhatItKeepsBeginsALine) {
  ChunkList list(options_of(4, Keep::kLast));
  fill(list, "a\nbcde");
  EXPECT_EQ(text_of(list), "bcde");
  EXPECT_TRUE(list.begins_a_line());
  fill(list, "f");
  EXPECT_FALSE(list.begins_a_line());
  ChunkList none(options_of(0, Keep::kLast));
  fill(none, "a\n");
  EXPECT_TRUE(none.begins_a_line());
  fill(none, "a");
  EXPECT_FALSE(none.begins_a_line());
}

TEST(ChunkList, ThatKeepsTheLastNeedsItsLimitAndLittleMore) {
  for (const std::uint64_t limit : {std::uint64_t{1}, std::uint64_t{100'000}, std::uint64_t{8} << 20}) {
    ChunkList list(options_of(limit, Keep::kLast));
    const std::string text = text_in_lines(1'000'003);
    std::uint64_t most = 0;
    for (int i = 0; i < 50; ++i) {
      fill(list, text);
      most = std::max(most, list.allocated());
    }
    EXPECT_EQ(list.size(), std::min<std::uint64_t>(limit, 50 * text.size()));
    EXPECT_LE(most, limit + 512 * 1024) << limit;
  }
}

TEST(ChunkList, ThatKeepsTheFirstNeedsItsLimitAndNoMore) {
  for (const std::uint64_t limit : {std::uint64_t{1}, std::uint64_t{100'000}, std::uint64_t{8} << 20}) {
    ChunkList list(options_of(limit, Keep::kFirst));
    const std::string text = text_in_lines(1'000'003);
    for (int i = 0; i < 50; ++i) fill(list, text);
    EXPECT_EQ(list.size(), limit);
    EXPECT_EQ(list.allocated(), limit);
  }
}

TEST(ChunkList, NeedsNoMoreForAskingForSpaceAgain) {
  for (const Keep keep : {Keep::kFirst, Keep::kLast}) {
    ChunkList list(options_of(8 << 20, keep));
    const ChunkList::Space space = list.space();
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(list.space().data, space.data);
      EXPECT_EQ(list.space().size, space.size);
    }
    EXPECT_EQ(list.allocated(), ChunkList::kFirstChunk);
  }
}

TEST(ChunkList, UsesItsMemoryAgain) {
  ChunkList list(options_of(100'000, Keep::kLast));
  const std::string text = text_in_lines(1'000'000);
  for (int i = 0; i < 10; ++i) fill(list, text);  // until the chunks have their full size
  std::vector<const void*> addresses;
  for (int i = 0; i < 100; ++i) {
    addresses.push_back(list.space().data);
    fill(list, std::string_view(text).substr(0, list.space().size));
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  EXPECT_LE(addresses.size(), 6u);
}

TEST(ChunkList, NeverMovesOrChangesWhatASnapshotHas) {
  ChunkList list(options_of(100'000, Keep::kLast));
  const std::string text = text_in_lines(90'000);
  fill(list, text);
  const std::vector<OutputChunk> early = list.snapshot();
  const char* const data = early.back().data.get();
  fill(list, "more");
  const std::vector<OutputChunk> later = list.snapshot();
  EXPECT_TRUE(std::any_of(later.begin(), later.end(), [&](const auto& chunk) { return chunk.data.get() == data; }));
  for (int i = 0; i < 100; ++i) fill(list, std::string(50'000, 'x'));
  EXPECT_TRUE(text_of(early) == text);
  EXPECT_TRUE(text_of(later) == text + "more");
  EXPECT_TRUE(text_of(list) == std::string(100'000, 'x'));
}

TEST(ChunkList, HasNoGapWhereMemoryWasShort) {
  ChunkList first(options_of(1000, Keep::kFirst));
  fill(first, "abc\n");
  first.lose("lost");
  fill(first, "def");
  EXPECT_EQ(text_of(first), "abc\n");
  EXPECT_EQ(first.total(), 11u);
  ChunkList last(options_of(1000, Keep::kLast));
  fill(last, "abc\n");
  last.lose("lost");
  EXPECT_FALSE(last.begins_a_line());
  fill(last, "def");
  EXPECT_EQ(text_of(last), "def");
  EXPECT_EQ(last.total(), 11u);
}

TEST(ChunkList, HasATailOfWhatFollowsUnreadBytesOnly) {
  ChunkList first(options_of(3, Keep::kFirst));
  fill(first, "abc");
  first.lose("before");
  first.lose("after", 1'000'000);
  EXPECT_EQ(first.tail(), "after");
  EXPECT_EQ(first.total(), 3u + 6 + 1'000'000 + 5);
  first.lose({}, 10);
  EXPECT_EQ(first.tail(), "");
  EXPECT_EQ(first.total(), 3u + 6 + 1'000'000 + 5 + 10);
  EXPECT_TRUE(first.ends_early());
}

TEST(ChunkList, BeginsALineAfterUnreadBytesOnlyWhereTheEndTells) {
  ChunkList last(options_of(0, Keep::kLast));
  last.lose("x", 10);
  EXPECT_FALSE(last.begins_a_line());
  last.lose("\n", 10);
  EXPECT_TRUE(last.begins_a_line());
  last.lose({}, 10);
  EXPECT_FALSE(last.begins_a_line());
}

// Compares with the plain text, in pieces of random sizes.
TEST(ChunkList, IsRightHoweverTheBytesCome) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const Keep keep = round % 2 == 0 ? Keep::kFirst : Keep::kLast;
    const std::size_t limit = std::uniform_int_distribution<std::size_t>(0, 300'000)(random);
    ChunkList list(options_of(limit, keep));
    const std::string text = text_in_lines(std::uniform_int_distribution<std::size_t>(0, 600'000)(random));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::uniform_int_distribution<std::size_t>(1, round % 3 == 0 ? 100'000 : 3000)(random);
      fill(list, std::string_view(text).substr(at, size));
      at += size;
    }
    const std::size_t kept = std::min(limit, text.size());
    const std::size_t begin = keep == Keep::kFirst ? 0 : text.size() - kept;
    ASSERT_TRUE(text_of(list) == text.substr(begin, kept)) << round;
    ASSERT_EQ(list.total(), text.size());
    ASSERT_EQ(list.begins_a_line(), begin == 0 || text[begin - 1] == '\n') << round;
    ASSERT_EQ(list.ends_early(), keep == Keep::kFirst && kept < text.size());
  }
}

}  // namespace
}  // namespace warden::internal
