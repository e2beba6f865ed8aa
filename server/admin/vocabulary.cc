// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/vocabulary.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <charconv>
#include <limits>
#include <span>

namespace amicale::admin {
namespace {

template <typename Enum>
struct Word {
  std::string_view fr;
  std::string_view en;
  Enum value;
};

constexpr Word<v1::ClubRole> kRoles[] = {
    {"invité", "guest", v1::CLUB_ROLE_GUEST},
    {"membre", "member", v1::CLUB_ROLE_MEMBER},
    {"parrain", "sponsor", v1::CLUB_ROLE_SPONSOR},
    {"marraine", "sponsor", v1::CLUB_ROLE_SPONSOR},
    {"comité", "committee", v1::CLUB_ROLE_COMMITTEE},
    {"président", "president", v1::CLUB_ROLE_PRESIDENT},
    {"présidente", "president", v1::CLUB_ROLE_PRESIDENT},
    {"superviseur", "supervisor", v1::CLUB_ROLE_SUPERVISOR},
    {"superviseure", "supervisor", v1::CLUB_ROLE_SUPERVISOR},
};
constexpr Word<v1::SiteRole> kSiteRoles[] = {
    {"aucun", "none", v1::SITE_ROLE_NONE},
    {"personnel", "staff", v1::SITE_ROLE_STAFF},
    {"propriétaire", "owner", v1::SITE_ROLE_OWNER},
};
constexpr Word<v1::Language> kLanguages[] = {
    {"fr", "fr", v1::LANGUAGE_FR},           {"en", "en", v1::LANGUAGE_EN},
    {"français", "french", v1::LANGUAGE_FR}, {"anglais", "english", v1::LANGUAGE_EN},
    {"fr_ca", "fr-ca", v1::LANGUAGE_FR},     {"en_ca", "en-ca", v1::LANGUAGE_EN},
};
constexpr Word<v1::ClubKind> kKinds[] = {
    {"régional", "regional", v1::CLUB_KIND_REGIONAL},
    {"entreprise", "company", v1::CLUB_KIND_COMPANY},
    {"promotion", "cohort", v1::CLUB_KIND_COHORT},
    {"professionnel", "professional", v1::CLUB_KIND_PROFESSIONAL},
    {"socioprofessionnel", "socio-professional", v1::CLUB_KIND_SOCIO_PROFESSIONAL},
    {"social", "social", v1::CLUB_KIND_SOCIAL},
};
constexpr Word<v1::RoomAccess> kAccesses[] = {
    {"tous", "all", v1::ROOM_ACCESS_ALL},
    {"rôles", "roles", v1::ROOM_ACCESS_ROLES},
    {"annonces", "announcement", v1::ROOM_ACCESS_ANNOUNCEMENT},
};
constexpr Word<v1::MemberStatus> kStatuses[] = {
    {"actif", "active", v1::MEMBER_STATUS_ACTIVE},
    {"attente", "waitlisted", v1::MEMBER_STATUS_WAITLISTED},
    {"refusé", "refused", v1::MEMBER_STATUS_REFUSED},
    {"pause", "paused", v1::MEMBER_STATUS_PAUSED},
    {"radié", "removed", v1::MEMBER_STATUS_REMOVED},
    {"banni", "banned", v1::MEMBER_STATUS_BANNED},
    {"parti", "left", v1::MEMBER_STATUS_LEFT},
};
constexpr Word<v1::SanctionKind> kSanctions[] = {
    {"avertissement", "warning", v1::SANCTION_KIND_WARNING},
    {"sourdine", "mute", v1::SANCTION_KIND_MUTE},
    {"suspension", "suspension", v1::SANCTION_KIND_SUSPENSION},
    {"renvoi", "kick", v1::SANCTION_KIND_KICK},
    {"exclusion", "ban", v1::SANCTION_KIND_BAN},
};
constexpr Word<v1::Measure> kMeasures[] = {
    {"mot", "nudge", v1::MEASURE_NUDGE},
    {"relecture", "hold", v1::MEASURE_HOLD},
    {"avertissement", "warning", v1::MEASURE_WARNING},
    {"sourdine", "mute", v1::MEASURE_MUTE},
    {"suspension", "suspension", v1::MEASURE_SUSPENSION},
    {"renvoi", "kick", v1::MEASURE_KICK},
    {"exclusion", "ban", v1::MEASURE_BAN},
};
constexpr Word<v1::ReasonCode> kReasons[] = {
    {"pourriel", "spam", v1::REASON_CODE_SPAM},
    {"publicité", "advertising", v1::REASON_CODE_ADVERTISING},
    {"insulte", "insult", v1::REASON_CODE_INSULT},
    {"harcèlement", "harassment", v1::REASON_CODE_HARASSMENT},
    {"haine", "hate", v1::REASON_CODE_HATE},
    {"hors-sujet", "off-topic", v1::REASON_CODE_OFF_TOPIC},
    {"vie-privée", "privacy", v1::REASON_CODE_PRIVACY},
    {"usurpation", "impersonation", v1::REASON_CODE_IMPERSONATION},
    {"illégal", "illegal", v1::REASON_CODE_ILLEGAL},
    {"autre", "other", v1::REASON_CODE_OTHER},
};
constexpr Word<v1::NotificationLevel> kLevels[] = {
    {"rien", "muted", v1::NOTIFICATION_LEVEL_MUTED},
    {"muet", "none", v1::NOTIFICATION_LEVEL_MUTED},
    {"mentions", "mentions", v1::NOTIFICATION_LEVEL_MENTIONS},
    {"tout", "all", v1::NOTIFICATION_LEVEL_ALL},
};

template <typename Enum, std::size_t N>
std::optional<Enum> find(const Word<Enum> (&words)[N], std::string_view typed) {
  const std::string word = folded(typed);
  for (const auto& known : words) {
    if (word == folded(known.fr) || word == known.en) return known.value;
  }
  return std::nullopt;
}

// One word for each value: the feminine forms and synonyms are read, not offered.
template <typename Enum, std::size_t N>
std::string list(const Word<Enum> (&words)[N], v1::Language language) {
  std::string out;
  std::optional<Enum> last;
  for (const auto& word : words) {
    if (last == word.value) continue;
    last = word.value;
    if (!out.empty()) out += "|";
    out += language == v1::LANGUAGE_EN ? word.en : word.fr;
  }
  return out;
}

}  // namespace

std::optional<v1::ClubRole> role_from(std::string_view word) { return find(kRoles, word); }
std::optional<v1::SiteRole> site_role_from(std::string_view word) { return find(kSiteRoles, word); }
std::optional<v1::Language> language_from(std::string_view word) { return find(kLanguages, word); }
std::optional<v1::ClubKind> kind_from(std::string_view word) { return find(kKinds, word); }
std::optional<v1::RoomAccess> access_from(std::string_view word) { return find(kAccesses, word); }
std::optional<v1::MemberStatus> status_from(std::string_view word) { return find(kStatuses, word); }
std::optional<v1::NotificationLevel> level_from(std::string_view word) {
  return find(kLevels, word);
}

std::optional<v1::SanctionKind> sanction_from(std::string_view word) {
  return find(kSanctions, word);
}
std::optional<v1::ReasonCode> reason_from(std::string_view word) { return find(kReasons, word); }

std::optional<std::uint32_t> duration_from(std::string_view word) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
  if (error != std::errc() || count == 0) return std::nullopt;
  const std::string unit = folded(std::string_view(end, word.data() + word.size()));
  std::uint64_t seconds = 0;
  if (unit == "s") seconds = 1;
  if (unit == "m" || unit == "min") seconds = 60;
  if (unit == "h") seconds = 3'600;
  if (unit == "j" || unit == "d") seconds = 86'400;
  if (unit == "sem" || unit == "w") seconds = 7 * 86'400;
  seconds *= count;
  if (seconds == 0 || seconds > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(seconds);
}

bool is_committee(std::string_view word) {
  const std::string said = folded(word);
  return said == "comite" || said == "committee";
}

bool is_yes(std::string_view word) {
  const std::string said = folded(word);
  return said == "o" || said == "oui" || said == "y" || said == "yes";
}

bool is_all(std::string_view word) {
  const std::string said = folded(word);
  return said == "tous" || said == "tout" || said == "all";
}

std::optional<v1::Measure> measure_from(std::string_view word) { return find(kMeasures, word); }

std::string_view word_of(v1::Measure measure) {
  for (const auto& word : kMeasures) {
    if (word.value == measure) return word.en;
  }
  return {};
}

std::string_view word_of(v1::ReasonCode reason) {
  for (const auto& word : kReasons) {
    if (word.value == reason) return word.en;
  }
  return {};
}

std::string duration_word(std::uint32_t seconds, v1::Language language) {
  const char* day = language == v1::LANGUAGE_EN ? "d" : "j";
  if (seconds % 86'400 == 0) return std::to_string(seconds / 86'400) + day;
  if (seconds % 3'600 == 0) return std::to_string(seconds / 3'600) + "h";
  if (seconds % 60 == 0) return std::to_string(seconds / 60) + "min";
  return std::to_string(seconds) + "s";
}

std::string sanction_words(v1::Language language) { return list(kSanctions, language); }
std::string reason_words(v1::Language language) { return list(kReasons, language); }

std::string role_words(v1::Language language) { return list(kRoles, language); }
std::string site_role_words(v1::Language language) { return list(kSiteRoles, language); }
std::string kind_words(v1::Language language) { return list(kKinds, language); }
std::string access_words(v1::Language language) { return list(kAccesses, language); }
std::string status_words(v1::Language language) { return list(kStatuses, language); }

std::string folded(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* decompose = icu::Normalizer2::getNFKDInstance(error);
  icu::UnicodeString spread = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  if (U_SUCCESS(error)) spread = decompose->normalize(spread, error);
  spread.foldCase();
  icu::UnicodeString kept;
  for (int32_t i = 0; i < spread.length(); i = spread.moveIndex32(i, 1)) {
    const UChar32 c = spread.char32At(i);
    if (u_charType(c) != U_NON_SPACING_MARK) kept.append(c);
  }
  std::string out;
  kept.toUTF8String(out);
  return out;
}

}  // namespace amicale::admin
