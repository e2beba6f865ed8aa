// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/phrases.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "server/admin/chat_screen.h"
#include "server/admin/vocabulary.h"

using namespace amicale;
using namespace amicale::admin;

namespace {

std::string placeholders(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '{') continue;
    const std::size_t end = text.find('}', at);
    out += std::string(text.substr(at, end - at + 1));
    at = end;
  }
  return out;
}

}  // namespace

TEST_CASE("every phrase exists in French and in English, with the same places to fill") {
  CHECK(all_phrases().size() > 200);
  for (const auto& [name, phrase] : all_phrases()) {
    CAPTURE(std::string(name));
    CHECK_FALSE(phrase.fr.empty());
    CHECK_FALSE(phrase.en.empty());
    CHECK(placeholders(phrase.fr) == placeholders(phrase.en));
  }
}

TEST_CASE("every command of the chat has a name in both languages, and no two share one") {
  std::vector<std::string> names;
  for (const auto& command : chat_commands()) {
    names.emplace_back(command.fr);
    names.emplace_back(command.en);
    CHECK(command.arguments.fr.empty() == command.arguments.en.empty());
    // What people type is folded before it is compared.
    CHECK(folded(command.fr) == command.fr);
  }
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
}

TEST_CASE("roles are read in both languages, with or without accents") {
  CHECK(role_from("Comité") == v1::CLUB_ROLE_COMMITTEE);
  CHECK(role_from("COMITE") == v1::CLUB_ROLE_COMMITTEE);
  CHECK(role_from("president") == v1::CLUB_ROLE_PRESIDENT);
  CHECK_FALSE(role_from("king"));
  CHECK(language_from("FR") == v1::LANGUAGE_FR);
  CHECK(level_from("tout") == v1::NOTIFICATION_LEVEL_ALL);
  CHECK(status_from("radié") == v1::MEMBER_STATUS_REMOVED);
}
