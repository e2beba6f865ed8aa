// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Judging a message. In two steps, so that the one that costs looks at nothing but the text and may
// run anywhere:
//
//   Reading = read(filter, rules, body)            normalise, links, words, score, sketch
//   Verdict = judge(reading, circumstances, memory)  trust, buckets, duplicates, and the sum of it
//
// Both are pure: the same text, rules, circumstances and memory give the same verdict, byte for byte.
// What decided is in the verdict's record, which the log keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/event.pb.h"
#include "amicale/v1/why.pb.h"
#include "server/domain/antispam/features.h"
#include "server/domain/antispam/folding.h"
#include "server/domain/antispam/links.h"
#include "server/domain/antispam/memory.h"
#include "server/domain/antispam/model.h"
#include "server/domain/antispam/recent_texts.h"
#include "server/domain/antispam/rules.h"
#include "server/domain/antispam/trust.h"
#include "server/domain/roles.h"
#include "store/log.pb.h"

namespace amicale::domain::antispam {

// The version of the rules that every club has, told in findings and kept in the log. Higher with
// every change of what judge() answers.
inline constexpr std::uint32_t pipeline_version = 1;

// What a text says of itself.
struct Reading {
  std::vector<Link> links;
  std::vector<Rules::Hit> hits;
  Disguises disguises;
  Score score;
  std::optional<Sketch> sketch;
  std::optional<Span> advert;
  std::uint32_t letters = 0;  // bytes of words that are no part of a link
  std::uint32_t rules_version = 0;
  std::uint32_t model_version = 0;
};

// The table of characters and the model: made once, read from any thread.
class Filter {
 public:
  Filter();  // with the model that the program carries
  explicit Filter(Model model);

  const Folding& folding() const { return folding_; }
  const Model& model() const { return model_; }
  Reading read(const Rules& rules, std::string_view body) const;

 private:
  Folding folding_;
  Model model_;
};

// What is known of the author and the place, beside the text.
struct Circumstances {
  Actor actor;
  Standing standing;
  std::uint64_t room_id = 0;
  std::int64_t now_ms = 0;
  bool edit = false;                 // no new message: nothing is counted against the buckets
  std::uint32_t mentions = 0;        // people named
  std::uint32_t adverts_lately = 0;  // messages of this author in the last 30 days that advertised
  std::uint64_t address = 0;         // hash of the address block; 0 = unknown
  std::uint32_t elsewhere = 0;       // distinct authors who said alike in other clubs lately
  bool apes_officer = false;         // the author's name is read as an officer's
};

struct Verdict {
  Action action = Action::allow;
  v1::Why why;               // with its sentences
  store::SpamRecord record;  // for the log: findings without sentences, and what was known
  Trust trust;
  std::uint32_t retry_after_ms = 0;
  std::int64_t quiet_until_ms = 0;  // MUTE: until when
};

Verdict judge(const Rules& rules, const Reading& reading, const Circumstances& circumstances,
              const Memory& memory);

// Whether a text is looked for in other clubs: one with a link or an offer, or that could be spam.
bool worth_comparing(const Reading& reading);
bool worth_comparing(const store::SpamRecord& record);  // the same, of what was judged

// The circumstances in which the message of this entry was judged: judging it again from them, and
// from the memory of the log before it, gives the record that the entry has.
Circumstances recorded(const v1::Event& event, const store::SpamRecord& record);

// The two sentences of a finding, which follow from its rule, its numbers and the club's rules.
void add_sentences(const Rules& rules, v1::Why& why, const Trust& trust);

}  // namespace amicale::domain::antispam
