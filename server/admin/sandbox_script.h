// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What happens in a club to practise on: invented people, and a play for them with everything that a moderator meets.
// Pure: the same language and seed give the same play, so that two volunteers can compare what they did.
//
//   chat          regulars talk, ask and help
//   advertising   somebody new offers the same thing three times, each time in other words
//   quarrel       a regular loses their temper with another
//   privacy       somebody posts somebody else's telephone number
//   flood         somebody says one line after the other
//   raid          all the newcomers say nearly the same at once
//   reports       regulars tell the committee of some of it
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/common.pb.h"

namespace amicale::admin {

// Somebody of the play. The login is this name, a dot, and the club's slug.
struct SandboxPerson {
  std::string_view name;       // a-z, at most limits for a login with its slug allow
  std::string_view displayed;  // as the club sees it
  bool newcomer = false;
};

// The same people in either language.
std::vector<SandboxPerson> sandbox_people();

// A slug may have as many characters, so that logins fit.
inline constexpr std::size_t kSandboxSlug = 20;
std::string sandbox_login(const SandboxPerson& person, std::string_view slug);

struct SandboxStep {
  enum class Kind {
    say,
    report,  // tells the committee of the message of step `about`
  };
  Kind kind = Kind::say;
  std::size_t person = 0;  // in sandbox_people()
  std::string text{};
  std::uint32_t pause_ms = 0;  // before it
  std::size_t about = 0;       // REPORT: an earlier step that says something
  v1::ReasonCode reason = v1::REASON_CODE_UNSPECIFIED;  // REPORT
};

std::vector<SandboxStep> sandbox_play(v1::Language language, std::uint64_t seed);

// What somebody of the play writes to contest a sanction.
std::string sandbox_appeal(v1::Language language, std::uint64_t seed, std::size_t person);

}  // namespace amicale::admin
