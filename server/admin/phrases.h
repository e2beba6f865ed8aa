// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Everything that the console and the terminal client say, in French and in English. One table: a
// phrase cannot exist in one language only.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

#include "amicale/v1/common.pb.h"
#include "amicale/v1/state.pb.h"

namespace amicale::admin {

struct Phrase {
  std::string_view fr;
  std::string_view en;
  std::string_view in(v1::Language language) const { return language == v1::LANGUAGE_EN ? en : fr; }
};

// The phrase with its {} filled in.
template <typename... Args>
std::string say(v1::Language language, const Phrase& phrase, const Args&... args) {
  return fmt::format(fmt::runtime(phrase.in(language)), args...);
}

// All phrases of phrases.cc with their names: the test of parity walks them.
struct NamedPhrase {
  std::string_view name;
  Phrase phrase;
};
std::span<const NamedPhrase> all_phrases();

// French unless the environment (LC_ALL, LC_MESSAGES, LANG) names English or nothing French.
v1::Language language_of_environment();

const Phrase& name_of(v1::ClubRole role);
const Phrase& name_of(v1::SiteRole role);
const Phrase& name_of(v1::MemberStatus status);
const Phrase& name_of(v1::RoomAccess access);
const Phrase& name_of(v1::ClubKind kind);
const Phrase& name_of(v1::NotificationLevel level);
const Phrase& name_of(v1::SanctionKind kind);
const Phrase& name_of(v1::ReasonCode reason);
const Phrase& name_of(v1::SanctionEnd end);
const Phrase& name_of(v1::ProposalState state);
const Phrase& name_of(v1::Measure measure);
const Phrase& name_of(v1::RaidTrigger trigger);

namespace phrase {
#define AMICALE_PHRASE(name, fr, en) inline constexpr Phrase name{fr, en};
#include "server/admin/phrases.inc"
#undef AMICALE_PHRASE
}  // namespace phrase

}  // namespace amicale::admin
