// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/names.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "server/domain/antispam/links.h"

namespace amicale::domain::antispam {
namespace {

// Wherever they stand in a name.
constexpr auto offices = std::to_array<std::string_view>(
    {"admin",         "admins",         "administrateur", "administratrice", "administration",
     "administrator", "administrators", "moderateur",     "moderatrice",     "moderateurs",
     "moderation",    "moderator",      "moderators",     "support",         "securite",
     "security",      "tresorerie",     "helpdesk",       "permanence",      "comite",
     "committee",     "president",      "presidente",     "superviseur",     "superviseure",
     "supervisor",    "tresorier",      "tresoriere",     "treasurer"});

// Surnames as well: an office only where nothing else is said.
constexpr auto offices_alone = std::to_array<std::string_view>(
    {"modo", "modos", "staff", "root", "system", "systeme", "bureau", "secretaire", "secretary"});

constexpr auto articles =
    std::to_array<std::string_view>({"le", "la", "les", "l", "du", "de", "des", "the", "of"});

// What is drawn like a Latin letter, and folds to none or to another one (capital eta is an H, small eta is read as an n):
// what the eye forgives in a name, and no text needs.
constexpr auto drawn_alike = std::to_array<std::pair<UChar32, char>>({
    {U'п', 'n'}, {U'η', 'n'}, {U'ή', 'n'}, {U'Λ', 'a'}, {U'λ', 'a'}, {U'ᗩ', 'a'},
    {U'ᗅ', 'a'}, {U'℮', 'e'}, {U'є', 'e'}, {U'ε', 'e'}, {U'ω', 'w'}, {U'ш', 'w'},
    {U'т', 't'}, {U'к', 'k'}, {U'м', 'm'}, {U'в', 'b'}, {U'н', 'h'}, {U'ӧ', 'o'},
    {U'Ӧ', 'o'}, {U'@', 'a'}, {U'4', 'a'}, {U'$', 's'},
});

// Calls `take` with each code point of valid UTF-8 and its bytes.
template <class Take>
void for_each_code_point(std::string_view text, Take take) {
  const auto length = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < length;) {
    const std::int32_t from = at;
    UChar32 c = 0;
    U8_NEXT(text.data(), at, length, c);
    take(c, text.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(at - from)));
  }
}

// The words of a name, folded: letters and digits, without what decorates them.
std::vector<std::string> words_of(const Folding& folding, std::string_view name) {
  std::string drawn;
  for_each_code_point(name, [&drawn](UChar32 c, std::string_view bytes) {
    const auto* alike = std::ranges::find(drawn_alike, c, &std::pair<UChar32, char>::first);
    if (alike == drawn_alike.end())
      drawn += bytes;
    else
      drawn += alike->second;
  });
  std::vector<std::string> words;
  bool inside = false;
  for_each_code_point(folding.fold(drawn), [&](UChar32 c, std::string_view bytes) {
    // A Braille pattern of no dots is no space to Unicode, nor are Hangul's fillers: they are to the eye.
    const bool blank = c == 0x2800 || c == 0x3164 || c == 0x115F || c == 0x1160 || c == 0xFFA0;
    const bool letter = c >= 0 && !blank && (c == '|' || u_isalnum(c));
    if (letter && !inside) words.emplace_back();
    inside = letter;
    if (letter) words.back() += c == '|' ? "l" : bytes;
  });
  return words;
}

bool is_one_of(std::span<const std::string_view> known, std::string_view word) {
  const std::string look = look_of_host(word);
  return std::ranges::any_of(known,
                             [&look](std::string_view one) { return look == look_of_host(one); });
}

}  // namespace

std::string look_of_name(const Folding& folding, std::string_view name) {
  // Folding gives the Latin letters that others look like; look_of_host what Latin letters and
  // digits look like among themselves ("rn" and "m", "0" and "o", "1" and "l").
  std::string letters;
  for (const auto& word : words_of(folding, name)) letters += word;
  return look_of_host(letters);
}

bool looks_like_any(const Folding& folding, std::string_view name,
                    std::span<const std::string> others) {
  const std::string look = look_of_name(folding, name);
  return std::ranges::any_of(
      others, [&](const std::string& other) { return look_of_name(folding, other) == look; });
}

bool claims_office(const Folding& folding, std::string_view name) {
  bool alone = false;
  bool others = false;
  for (std::string word : words_of(folding, name)) {
    while (!word.empty() && word.back() >= '0' && word.back() <= '9' && !is_one_of(offices, word))
      word.pop_back();
    if (is_one_of(offices, word)) return true;
    if (is_one_of(offices_alone, word))
      alone = true;
    else if (!word.empty() && !is_one_of(articles, word))
      others = true;
  }
  return alone && !others;
}

}  // namespace amicale::domain::antispam
