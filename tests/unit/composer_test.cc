// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/composer.h"

#include <doctest/doctest.h>

using namespace amicale::admin;

TEST_CASE("what is seen as one character is erased and passed over as one") {
  use_utf8_locale();
  Composer composer(1000);
  composer.insert("ae\u0301日");
  composer.backspace();
  CHECK(composer.text() == "ae\u0301");
  composer.left();
  composer.insert("x");
  CHECK(composer.text() == "axe\u0301");
  composer.end();
  composer.backspace();
  CHECK(composer.text() == "ax");
}

TEST_CASE("a combining mark that is typed alone joins the letter before the cursor") {
  use_utf8_locale();
  Composer composer(1000);
  composer.insert("e");
  composer.insert("\u0301");
  composer.backspace();
  CHECK(composer.empty());
}

TEST_CASE("text over the limit is refused, and control characters never come in") {
  use_utf8_locale();
  Composer composer(5);
  CHECK(composer.insert("a\x1b[b"));
  CHECK(composer.text() == "a[b");
  CHECK_FALSE(composer.insert("12345"));
  CHECK(composer.text() == "a[b");
}

TEST_CASE("up and down move between lines, then through what was sent") {
  use_utf8_locale();
  Composer composer(1000);
  composer.insert("first");
  composer.sent();
  composer.insert("second");
  composer.sent();
  composer.insert("draft\nline");
  composer.up();  // to the first line
  CHECK(composer.text() == "draft\nline");
  composer.up();
  CHECK(composer.text() == "second");
  composer.up();
  CHECK(composer.text() == "first");
  composer.up();
  CHECK(composer.text() == "first");
  composer.down();
  composer.down();
  CHECK(composer.text() == "draft\nline");
}

TEST_CASE("words and lines are erased as a shell does") {
  use_utf8_locale();
  Composer composer(1000);
  composer.insert("one two three");
  composer.erase_word();
  CHECK(composer.text() == "one two ");
  composer.home();
  composer.word_right();
  composer.erase_to_end();
  CHECK(composer.text() == "one");
  composer.erase_to_start();
  CHECK(composer.empty());
}

TEST_CASE("the cursor always has a cell, also behind a full line of wide characters") {
  use_utf8_locale();
  Composer composer(1000);
  composer.insert("日本語");
  const auto layout = composer.layout(6);
  CHECK(layout.lines.size() == 2);
  CHECK(layout.cursor_row == 1);
  CHECK(layout.cursor_column == 0);
}
