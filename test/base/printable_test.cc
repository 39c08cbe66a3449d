// What a name that another program chose looks like in a line of ours.
#include "lib/base/printable.h"

#include <string>

#include "gtest/gtest.h"

namespace warden::internal {
namespace {

using namespace std::string_literals;

TEST(PrintableTest, LeavesWhatCanBeShown) {
  for (const std::string& text :
       {""s, "postgres"s, "a b\\c'd\"~"s, "caf\xc3\xa9"s, "\xc2\xa0"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xe2\x82\xac"s,
        "\xed\x9f\xbf"s, "\xef\xbf\xbd"s, "\xf0\x90\x80\x80"s, "\xf0\x9f\x90\xa7"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(PrintableTest, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\nb\r\tc\x1b[31m\x7f"), "a\\x0ab\\x0d\\x09c\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\0x"s), "\\x00x");
  EXPECT_EQ(printable("\xc2\x80\xc2\x9b\xc2\x9f"), "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f") << "C1 in UTF-8";
}

TEST(PrintableTest, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m")
      << "C1 in Latin-1";
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xc3"), "\\xc3") << "cut off";
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(printable("\xf0\x9f\x90"), "\\xf0\\x9f\\x90");
  EXPECT_EQ(printable("\xe2(\x80"), "\\xe2(\\x80");
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b") << "overlong";
  EXPECT_EQ(printable("\xe0\x82\x9b"), "\\xe0\\x82\\x9b");
  EXPECT_EQ(printable("\xf0\x80\x82\x9b"), "\\xf0\\x80\\x82\\x9b");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "above U+10FFFF";
  EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

TEST(PrintableTest, EscapesWhatXmlCannotHave) {
  EXPECT_EQ(printable("\xef\xbf\xbe\xef\xbf\xbf"), "\\xef\\xbf\\xbe\\xef\\xbf\\xbf");
}

}  // namespace
}  // namespace warden::internal
