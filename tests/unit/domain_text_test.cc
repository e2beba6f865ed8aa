// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <string>

#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

std::string rule(const Result<void>& result) { return result ? "" : result.error().rule_id; }
std::string rule(const Result<std::string>& result) { return result ? "" : result.error().rule_id; }
Result<std::string> name(std::string_view text) {
  return check_name(text, "name", limits::name_characters);
}

TEST_CASE("a body is valid UTF-8 that shows something, without control characters") {
  CHECK(check_body("Bonjour à tous 👋\n\tet à demain").has_value());
  CHECK(check_body("👨‍👩‍👧").has_value());
  for (const char* blank : {"", " ", "\n\t ", "\u00a0", "\u200b\u200d", "\u3164"}) {
    CHECK_MESSAGE(rule(check_body(blank)) == "text.blank", blank);
  }
  for (const std::string& control :
       {std::string("a\0b", 3), std::string("a\x1b[31m"), std::string("a\r\n"),
        std::string("\x7f"
                    "a"),
        std::string("a\u0085")}) {
    CHECK(rule(check_body(control)) == "text.control");
  }
  for (const char* broken :
       {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80", "abcdefgh\x80"}) {
    CHECK(rule(check_body(broken)) == "text.utf8");
    CHECK(!is_utf8(broken));
  }
}

TEST_CASE("a body is bounded in bytes, and the refusal says by how much") {
  CHECK(check_body(std::string(limits::message_bytes, 'a')).has_value());
  const auto refused = check_body(std::string(limits::message_bytes + 1, 'a'));
  REQUIRE(!refused);
  CHECK(refused.error().code == v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(refused.error().limit == limits::message_bytes);
  CHECK(refused.error().actual == limits::message_bytes + 1);
}

TEST_CASE("a name comes out in its one normal form, otherwise as it went in") {
  CHECK(name("Zoé Lévesque-O’Brien") == "Zoé Lévesque-O’Brien");
  CHECK(name("Zoe\u0301") == "Zo\u00e9");
  CHECK(name("Nguyễn Thị Minh") == "Nguyễn Thị Minh");
  CHECK(name("名前 😀") == "名前 😀");
}

TEST_CASE("a name can't hide, reorder, imitate an empty place or run over") {
  CHECK(rule(name("")) == "text.blank");
  CHECK(rule(name("   ")) == "text.blank");
  for (const char* hidden : {"a\u200b",
                             "a\u202e"
                             "b",
                             "a\u0600",
                             "a\u2066"
                             "b",
                             "\ufeff"
                             "a",
                             "a\u00ad"
                             "b",
                             "a\nb", "a\tb",
                             "a\u00a0"
                             "b",
                             "a\u3000"
                             "b",
                             "a\u3164", "a\ue000",
                             "a\u2028"
                             "b"}) {
    CHECK_MESSAGE(rule(name(hidden)) == "text.invisible", hidden);
  }
  for (const char* spaced : {" a", "a ", "a  b"}) CHECK(rule(name(spaced)) == "text.spaces");
  CHECK(rule(name("Z\u030d\u030e\u0310\u0312\u0313")) == "text.marks");
  CHECK(rule(name("\xff")) == "text.utf8");
  CHECK(name(std::string(32, 'a')).has_value());
  CHECK(name(std::string(33, 'a')).error().code == v1::REFUSAL_CODE_TOO_LARGE);
  std::string wide;
  for (int i = 0; i < 32; ++i) wide += "😀";
  CHECK(name(wide).error().limit == limits::name_bytes);
}

TEST_CASE("logins and slugs are of plain letters, digits and a few signs") {
  for (const char* good : {"amy", "zoe.levesque", "a-1_b", "9to5"})
    CHECK(check_login(good).has_value());
  for (const char* bad : {"", "ab", "Amy", "-amy", ".amy", "a my", "amé", "a@b.c"}) {
    CHECK(rule(check_login(bad)) == "text.login");
  }
  CHECK(check_login(std::string(32, 'a')).has_value());
  CHECK(!check_login(std::string(33, 'a')));
  for (const char* good : {"a", "hecodurable", "rh-2"}) CHECK(check_slug(good).has_value());
  for (const char* bad : {"", "-a", "a-", "A", "a_b", "é"})
    CHECK(rule(check_slug(bad)) == "text.slug");
  CHECK(!check_slug(std::string(41, 'a')));
}

TEST_CASE("a password is judged by its length alone") {
  CHECK(check_password("ten bytes!").has_value());
  CHECK(rule(check_password("nine byte")) == "text.password_short");
  CHECK(check_password(std::string(256, '\xff')).has_value());
  CHECK(check_password(std::string(257, 'x')).error().code == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("a client_msg_id has sixteen bytes") {
  CHECK(check_client_msg_id(std::string(16, '\0')).has_value());
  CHECK(!check_client_msg_id(""));
  CHECK(!check_client_msg_id(std::string(15, 'a')));
  CHECK(!check_client_msg_id(std::string(17, 'a')));
}

TEST_CASE("a reaction is one emoji, in one spelling") {
  CHECK(check_emoji("👍") == "👍");
  CHECK(check_emoji("\u2764") == "\u2764\ufe0f");
  CHECK(check_emoji("\u2764\ufe0f") == "\u2764\ufe0f");
  for (const char* good : {"🇨🇦", "👍🏽", "👨‍👩‍👧‍👦", "1️⃣", "🏳️‍🌈"})
    CHECK_MESSAGE(check_emoji(good).has_value(), good);
  for (const char* bad :
       {"", "a", "1", "#", "👍👍", "👍a", "\u200d", "\ufe0f", "<b>", "🇨", "\xff"}) {
    CHECK_MESSAGE(rule(check_emoji(bad)) == "text.emoji", bad);
  }
  CHECK(check_emoji(std::string(33, 'a')).error().code == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("folding lets people search names without case, accents and ligatures") {
  CHECK(fold("Élodie Œuvré") == "elodie oeuvre");
  CHECK(fold("LÆTITIA") == "laetitia");
  CHECK(fold("Straße") == "strasse");
  CHECK(fold("Nguyễn Łukasz Øre") == "nguyen lukasz ore");
  CHECK(fold("Plain ASCII") == "plain ascii");
  CHECK(fold("") == "");
  CHECK(is_utf8(fold("broken \xff")));
}

}  // namespace
}  // namespace amicale::domain
