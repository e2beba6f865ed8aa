// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/terminal_text.h"

#include <doctest/doctest.h>

using namespace amicale::admin;

namespace {
std::string joined(const std::vector<Glyph>& glyphs) {
  std::string out;
  for (const Glyph& glyph : glyphs) out += glyph.bytes;
  return out;
}
}  // namespace

TEST_CASE("an escape sequence in a message reaches the terminal as visible signs only") {
  use_utf8_locale();
  const std::string shown = printable("a\x1b]0;title\x07\x1b[2Jb\x7f\xc2\x9bz");
  CHECK(shown == "a␛]0;title␇␛[2Jb␡\uFFFDz");
  for (const char c : shown) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("bidirectional overrides are made visible, joiners are left out") {
  use_utf8_locale();
  CHECK(printable("ab\u202Ecd") == "ab\uFFFDcd");
  CHECK(printable("👨\u200D👩") == "👨👩");
  CHECK(columns_of(printable("👨\u200D👩")) == 4);
}

TEST_CASE("wide characters take two columns and combining marks none") {
  use_utf8_locale();
  CHECK(columns_of("été") == 3);
  CHECK(columns_of("e\u0301te\u0301") == 3);
  CHECK(columns_of("日本") == 4);
  CHECK(columns_of("\u0301") == 1);  // a mark alone stands on a space
}

TEST_CASE("a tower of combining marks is cut to four") {
  use_utf8_locale();
  std::string tower = "a";
  for (int i = 0; i < 100; ++i) tower += "\u0301";
  const auto glyphs = to_glyphs(tower);
  REQUIRE(glyphs.size() == 1);
  CHECK(glyphs[0].bytes.size() == 1 + 4 * 2);
}

TEST_CASE("malformed UTF-8 becomes one sign for each broken part") {
  CHECK(repair_utf8("caf\xE9 ok") == "caf\uFFFD ok");
  CHECK(repair_utf8("\xE2\x82") == "\uFFFD");
  CHECK(repair_utf8("\xC0\x80") == "\uFFFD\uFFFD");            // over-long
  CHECK(repair_utf8("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(repair_utf8("déjà €🎉") == "déjà €🎉");
  CHECK_FALSE(is_utf8("\xF5"));
}

TEST_CASE("cut text never exceeds its columns, even before a wide character") {
  use_utf8_locale();
  CHECK(cut_to("bonjour", 7) == "bonjour");
  CHECK(cut_to("bonjour", 5) == "bonj…");
  CHECK(cut_to("日本語", 5) == "日本…");
  CHECK(cut_to("日本語", 4) == "日…");
  CHECK(fit_to("日本語", 4) == "日… ");
  CHECK(columns_of(fit_to("é", 6)) == 6);
}

TEST_CASE("wrapping breaks at spaces, keeps line ends, and cuts words that are too long") {
  use_utf8_locale();
  const auto lines = wrap("le chat dort\nsupercalifragilistique", 8);
  REQUIRE(lines.size() == 5);
  CHECK(joined(lines[0]) == "le chat");
  CHECK(joined(lines[1]) == "dort");
  CHECK(joined(lines[2]) == "supercal");
  CHECK(joined(lines[3]) == "ifragili");
  CHECK(joined(lines[4]) == "stique");
  CHECK(wrap("", 10).size() == 1);
}
