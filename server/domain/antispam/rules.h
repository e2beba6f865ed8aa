// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What a club forbids, as data: a TOML file with a version, hostile until it is parsed.
//
//   version = 3
//   [limits]                      # each optional; the defaults are those of struct Rules
//   newcomer_links = 1
//   [[words]]                     # watched words and phrases
//   id = "casino"                 # stable; shown to the author
//   words = ["casino en ligne", "crypto*"]     # "*" at an end: any letters; at both: anywhere
//   action = "hold"               # nudge, hold, refuse
//   below_trust = 2               # 0 to 4: for authors below it; 4 = everybody (default)
//   fr = "…"  en = "…"            # what the author is told; optional
//   [[patterns]]                  # RE2, over the text as its reader reads it (lower case, no accents)
//   id = "phone"  pattern = '…'  action = "hold"
//   [[hosts]]
//   id = "shorteners"  hosts = ["bit.ly"]  action = "hold"
//   [protected]
//   hosts = ["example.org"]       # hosts that others may not look like
//   names = ["Trésorerie"]        # names that members may not look like
#pragma once

#include <re2/re2.h>
#include <re2/set.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/antispam/folding.h"
#include "server/domain/antispam/links.h"
#include "server/domain/antispam/word_list.h"
#include "server/domain/refusal.h"

namespace amicale::domain::antispam {

// From the lightest to the heaviest.
enum class Action : std::uint8_t { allow, nudge, hold, refuse, mute };
std::string_view name_of(Action action);

enum class RuleKind : std::uint8_t { words, pattern, hosts };

// One rule of a file.
struct Rule {
  std::string id;
  RuleKind kind = RuleKind::words;
  Action action = Action::hold;
  std::uint32_t below_trust = 4;
  std::string fr, en;  // what the author is told; empty: the kind's sentence
};

// What everybody may do before a rule is needed. Counters are of one club.
struct Limits {
  std::uint32_t newcomer_links = 2;     // in one message, trust 0
  std::uint32_t newcomer_mentions = 3;  // people named in one message, trust 0
  std::uint32_t member_mentions = 10;   // … trust 1 and above
  std::uint32_t newcomer_posts_per_hour = 200;
  std::uint32_t member_posts_per_minute = 40;
  std::uint32_t room_posts_per_minute = 600;
  std::uint32_t club_posts_per_minute = 2'000;
  std::uint32_t address_newcomer_posts_per_hour = 600;  // all newcomers behind one address
  std::uint32_t links_per_hour = 20;                    // of one member below trust 2
  std::uint32_t same_host_per_hour = 3;                 // of one newcomer
  std::uint32_t mentions_per_hour = 40;                 // people named by one member below trust 2
  std::uint32_t adverts_per_30_days = 1;                // direct advertising of one member
  std::uint32_t duplicate_authors = 3;  // distinct authors of one text, from this one on
  std::uint32_t duplicate_own = 3;      // times that one author says the same, from this one on
  std::uint32_t duplicate_minutes = 10;
  std::uint32_t hold_thousandths = 960;        // the score, trust 0; 1000 switches it off
  std::uint32_t hold_known_thousandths = 985;  // … trust 1; from trust 2 the score holds nothing
  std::uint32_t newcomer_hours = 24;
};

class Rules {
 public:
  // The rules that a club has before it makes its own.
  static Rules standard();

  // BAD_REQUEST names the key; TOO_LARGE the bound.
  static Result<Rules> parse(const Folding& folding, std::string_view toml);

  std::uint32_t version() const { return version_; }
  const Limits& limits() const { return limits_; }
  const std::vector<Rule>& rules() const { return rules_; }
  const std::vector<std::string>& protected_hosts() const { return protected_hosts_; }
  const std::vector<std::string>& protected_names() const { return protected_names_; }

  struct Hit {
    std::uint32_t rule;  // index into rules()
    Span span;           // in the author's own text
  };
  // Every rule that the text or one of its links meets, each once, in the order of the file.
  std::vector<Hit> find(const NormalText& text, const std::vector<Link>& links) const;

 private:
  std::uint32_t version_ = 0;
  Limits limits_;
  std::vector<Rule> rules_;
  WordList words_;
  struct Pattern {
    std::uint32_t rule;
    std::shared_ptr<const re2::RE2> pattern;
  };
  std::vector<Pattern> patterns_;
  // All patterns at once: says which are worth asking. Null when there are few.
  std::shared_ptr<const re2::RE2::Set> pattern_set_;
  struct Host {
    std::string host;
    std::uint32_t rule;
  };
  std::vector<Host> hosts_;  // by host
  std::vector<std::string> protected_hosts_, protected_names_;
};

}  // namespace amicale::domain::antispam
