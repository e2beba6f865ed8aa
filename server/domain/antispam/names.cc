// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/names.h"

#include <algorithm>
#include <array>

#include "server/domain/antispam/links.h"
#include "server/domain/antispam/normal_text.h"

namespace amicale::domain::antispam {
namespace {

constexpr auto offices = std::to_array<std::string_view>(
    {"admin", "administrateur", "administratrice", "administration", "administrator", "moderateur",
     "moderatrice", "moderation", "moderator", "modo", "support", "staff", "securite", "security",
     "tresorerie", "helpdesk", "root", "system", "systeme"});

}  // namespace

std::string look_of_name(const Folding& folding, std::string_view name) {
  // Folding gives the Latin letters that others look like; look_of_host what Latin letters and
  // digits look like among themselves ("rn" and "m", "0" and "o", "1" and "l").
  std::string letters;
  for (const char c : folding.fold(name)) {
    if (c == '|') {
      letters += 'l';
    } else if (is_word_byte(c)) {
      letters += c;
    }
  }
  return look_of_host(letters);
}

bool looks_like_any(const Folding& folding, std::string_view name,
                    std::span<const std::string> others) {
  const std::string look = look_of_name(folding, name);
  return std::ranges::any_of(
      others, [&](const std::string& other) { return look_of_name(folding, other) == look; });
}

bool claims_office(const Folding& folding, std::string_view name) {
  const NormalText text(folding, name);
  bool found = false;
  std::string_view rest = text.plain();
  while (!rest.empty() && !found) {
    const auto end = std::min(rest.find_first_of(" -_."), rest.size());
    const std::string look = look_of_host(rest.substr(0, end));
    found = std::ranges::any_of(
        offices, [&look](std::string_view office) { return look == look_of_host(office); });
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return found;
}

}  // namespace amicale::domain::antispam
