// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The typed "no". The catalogue of codes is the wire's (error.proto); the sentences, in French and
// English, are here.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "amicale/v1/common.pb.h"
#include "amicale/v1/error.pb.h"
#include "server/domain/held.h"

namespace amicale::domain {

// A rule of a club's charter. A version of 0 is none.
struct Quote {
  std::uint64_t version = 0;
  std::string rule_id{};
  std::string fr{};
  std::string en{};

  bool operator==(const Quote&) const = default;
};

// Why a request is refused. `rule_id` names the rule, stable across versions ("may.post_message");
// a rule may have a better sentence than its code has.
struct Refusal {
  v1::RefusalCode code = v1::REFUSAL_CODE_UNSPECIFIED;
  std::string rule_id{};
  std::string field{};  // BAD_REQUEST, TOO_LARGE: a dotted proto path
  std::uint64_t limit = 0;
  std::uint64_t actual = 0;
  std::uint64_t retry_after_ms = 0;  // sent as 32 bits at most; the sentence tells it whole
  std::string incident{};            // INTERNAL: what to quote to the operator
  Held held{};                       // SANCTIONED: by what
  std::string why{};          // a v1::Why, serialised: what an anti-spam rule says of the text
  Quote quote{};              // of what keeps order: the rule of the club's charter
  std::int64_t until_ms = 0;  // RAID_MODE: when it ends

  bool operator==(const Refusal&) const = default;
};

template <typename T>
using Result = std::expected<T, Refusal>;

std::unexpected<Refusal> refuse(v1::RefusalCode code, std::string_view rule_id = {});

// Does not exist, or not for the caller: never says which, so it carries nothing else.
std::unexpected<Refusal> not_found();

// `field` is malformed; `rule_id` says how, when a sentence exists for it.
std::unexpected<Refusal> bad_request(std::string_view field, std::string_view rule_id = {});
std::unexpected<Refusal> too_large(std::string_view field, std::uint64_t limit,
                                   std::uint64_t actual);
std::unexpected<Refusal> rate_limited(std::string_view rule_id, std::uint32_t retry_after_ms);

// The refusal as sent, with one sentence in `language` (UNSPECIFIED: French).
v1::Refusal to_wire(const Refusal& refusal, v1::Language language);

// The sentence alone, before {limit} and {actual} are filled in. Empty when the catalogue has none:
// a test forbids that.
std::string_view sentence(v1::RefusalCode code, std::string_view rule_id, v1::Language language);

}  // namespace amicale::domain
