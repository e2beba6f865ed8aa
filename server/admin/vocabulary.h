// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The words that people type for the protocol's enums, in both languages: on the command line, in CSV files, in the
// terminal client. Case does not matter, and French words may lack their accents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amicale/v1/common.pb.h"

namespace amicale::admin {

std::optional<v1::ClubRole> role_from(std::string_view word);
std::optional<v1::SiteRole> site_role_from(std::string_view word);
std::optional<v1::Language> language_from(std::string_view word);
std::optional<v1::ClubKind> kind_from(std::string_view word);
std::optional<v1::RoomAccess> access_from(std::string_view word);
std::optional<v1::MemberStatus> status_from(std::string_view word);
std::optional<v1::NotificationLevel> level_from(std::string_view word);

std::optional<v1::SanctionKind> sanction_from(std::string_view word);
std::optional<v1::ReasonCode> reason_from(std::string_view word);
// "90s", "30min", "2h", "3j" or "3d", "1sem" or "1w": seconds, at least 1; nothing for anything else.
std::optional<std::uint32_t> duration_from(std::string_view word);
bool is_committee(std::string_view word);  // "comité", "committee"
bool is_all(std::string_view word);        // "tous", "tout", "all"
bool is_yes(std::string_view word);        // "oui", "yes", and their first letters
std::optional<v1::Measure> measure_from(std::string_view word);
std::string_view word_of(v1::Measure measure);    // as files spell it
std::string_view word_of(v1::ReasonCode reason);  // as files spell it
// "2h", "3d", in French "3j": what duration_from reads.
std::string duration_word(std::uint32_t seconds, v1::Language language = v1::LANGUAGE_EN);

// The words of one language, for help: "guest|member|…".
std::string role_words(v1::Language language);
std::string site_role_words(v1::Language language);
std::string kind_words(v1::Language language);
std::string access_words(v1::Language language);
std::string status_words(v1::Language language);
std::string sanction_words(v1::Language language);
std::string reason_words(v1::Language language);

// Lower case and without the accents of French (and of most names), for comparing what people type.
std::string folded(std::string_view text);

}  // namespace amicale::admin
