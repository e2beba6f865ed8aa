// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/rules.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace amicale::domain::antispam {
namespace {

using std::string_literals::operator""s;

constexpr auto action_names =
    std::to_array<std::string_view>({"allow", "nudge", "hold", "refuse", "mute"});

std::unexpected<Refusal> wrong(const std::string& key) {
  return bad_request(key, "antispam.rules");
}

struct LimitKey {
  std::string_view name;
  std::uint32_t Limits::* value;
  std::uint32_t most;
};
constexpr auto limit_keys = std::to_array<LimitKey>({
    {"newcomer_links", &Limits::newcomer_links, 100},
    {"newcomer_mentions", &Limits::newcomer_mentions, 100},
    {"member_mentions", &Limits::member_mentions, 100},
    {"newcomer_posts_per_hour", &Limits::newcomer_posts_per_hour, 100'000},
    {"member_posts_per_minute", &Limits::member_posts_per_minute, 10'000},
    {"room_posts_per_minute", &Limits::room_posts_per_minute, 100'000},
    {"club_posts_per_minute", &Limits::club_posts_per_minute, 100'000},
    {"address_newcomer_posts_per_hour", &Limits::address_newcomer_posts_per_hour, 100'000},
    {"links_per_hour", &Limits::links_per_hour, 10'000},
    {"same_host_per_hour", &Limits::same_host_per_hour, 10'000},
    {"mentions_per_hour", &Limits::mentions_per_hour, 10'000},
    {"adverts_per_30_days", &Limits::adverts_per_30_days, 1'000},
    {"duplicate_authors", &Limits::duplicate_authors, 1'000},
    {"duplicate_own", &Limits::duplicate_own, 1'000},
    {"duplicate_minutes", &Limits::duplicate_minutes, 60},
    {"hold_thousandths", &Limits::hold_thousandths, 1'000},
    {"hold_known_thousandths", &Limits::hold_known_thousandths, 1'000},
    {"newcomer_hours", &Limits::newcomer_hours, 24 * 90},
});

bool only_keys(const toml::table& table, std::initializer_list<std::string_view> known,
               const std::string& where, Refusal& refusal) {
  for (const auto& [key, node] : table) {
    if (std::ranges::find(known, key.str()) == known.end()) {
      refusal = wrong(where + std::string(key.str())).error();
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view name_of(Action action) { return action_names[std::to_underlying(action)]; }

Rules Rules::standard() { return {}; }

Result<Rules> Rules::parse(const Folding& folding, std::string_view toml_text) {
  if (toml_text.size() > limits::antispam_rules_bytes) {
    return too_large("rules", limits::antispam_rules_bytes, toml_text.size());
  }
  if (!is_utf8(toml_text)) return bad_request("rules", "text.utf8");
  toml::table file;
  try {
    file = toml::parse(toml_text);
  } catch (const toml::parse_error& error) {
    return wrong("line " + std::to_string(error.source().begin.line));
  }

  Refusal refusal;
  if (!only_keys(file, {"version", "limits", "words", "patterns", "hosts", "protected"}, "",
                 refusal)) {
    return std::unexpected(std::move(refusal));
  }
  Rules rules;
  const auto version = file["version"].value_exact<std::int64_t>();
  if (!version || *version < 1 || *version > 0xffff'ffff) return wrong("version");
  rules.version_ = static_cast<std::uint32_t>(*version);

  if (const auto* node = file.get("limits")) {
    const toml::table* table = node->as_table();
    if (table == nullptr) return wrong("limits");
    for (const auto& [key, value] : *table) {
      const auto known = std::ranges::find(limit_keys, key.str(), &LimitKey::name);
      const auto number = value.value_exact<std::int64_t>();
      if (known == limit_keys.end() || !number || *number < 0 || *number > known->most) {
        return wrong("limits." + std::string(key.str()));
      }
      rules.limits_.*known->value = static_cast<std::uint32_t>(*number);
    }
  }

  std::set<std::string, std::less<>> ids;
  // Reads what all kinds of rules have; the index of the new rule.
  const auto add_rule = [&](const toml::table& table, RuleKind kind,
                            const std::string& where) -> Result<std::uint32_t> {
    Rule rule;
    rule.kind = kind;
    const auto id = table["id"].value_exact<std::string>();
    if (!id || !check_slug(*id) || !ids.insert(*id).second) return wrong(where + "id");
    rule.id = *id;
    if (const auto* node = table.get("action")) {
      const auto action = node->value_exact<std::string>().value_or(""s);
      const auto known = std::ranges::find(action_names, action);
      const auto index = static_cast<std::size_t>(known - action_names.begin());
      if (index < std::to_underlying(Action::nudge) || index > std::to_underlying(Action::refuse)) {
        return wrong(where + "action");
      }
      rule.action = static_cast<Action>(index);
    }
    if (const auto* node = table.get("below_trust")) {
      const auto trust = node->value_exact<std::int64_t>();
      if (!trust || *trust < 1 || *trust > 4) return wrong(where + "below_trust");
      rule.below_trust = static_cast<std::uint32_t>(*trust);
    }
    for (const auto& [key, out] : {std::pair{"fr", &rule.fr}, std::pair{"en", &rule.en}}) {
      const auto* node = table.get(key);
      if (node == nullptr) continue;
      const auto text = node->value_exact<std::string>();
      if (!text || !check_paragraph(*text, key, limits::note_bytes)) return wrong(where + key);
      *out = *text;
    }
    if (rules.rules_.size() >= limits::antispam_rules) {
      return too_large("rules", limits::antispam_rules, rules.rules_.size() + 1);
    }
    rules.rules_.push_back(std::move(rule));
    return static_cast<std::uint32_t>(rules.rules_.size() - 1);
  };
  const auto texts = [](const toml::table& table, std::string_view key,
                        std::size_t most_bytes) -> std::optional<std::vector<std::string>> {
    const toml::array* list = table[key].as_array();
    if (list == nullptr) return std::nullopt;
    std::vector<std::string> out;
    for (const auto& node : *list) {
      auto text = node.value_exact<std::string>();
      if (!text || text->empty() || text->size() > most_bytes) return std::nullopt;
      out.push_back(*std::move(text));
    }
    return out;
  };

  std::vector<WordList::Word> words;
  std::size_t pattern_cost = 0;
  std::size_t word_bytes = 0;
  constexpr auto kinds = std::to_array<std::pair<const char*, RuleKind>>(
      {{"words", RuleKind::words}, {"patterns", RuleKind::pattern}, {"hosts", RuleKind::hosts}});
  for (const auto& [name, kind] : kinds) {
    const auto* node = file.get(name);
    if (node == nullptr) continue;
    const toml::array* list = node->as_array();
    if (list == nullptr) return wrong(name);
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string where = std::string(name) + "." + std::to_string(i) + ".";
      const toml::table* table = list->get(i)->as_table();
      if (table == nullptr) return wrong(where);
      const std::string_view own = kind == RuleKind::pattern ? "pattern" : name;
      if (!only_keys(*table, {"id", "action", "below_trust", "fr", "en", own}, where, refusal)) {
        return std::unexpected(std::move(refusal));
      }
      const Result<std::uint32_t> rule = add_rule(*table, kind, where);
      if (!rule) return std::unexpected(rule.error());
      if (kind == RuleKind::pattern) {
        const auto text = (*table)["pattern"].value_exact<std::string>();
        if (!text || text->empty() || text->size() > limits::antispam_pattern_bytes) {
          return wrong(where + "pattern");
        }
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(limits::antispam_pattern_memory);
        auto pattern = std::make_shared<const RE2>(*text, options);
        if (!pattern->ok()) return wrong(where + "pattern");
        pattern_cost += static_cast<std::size_t>(pattern->ProgramSize());
        if (pattern->ProgramSize() > static_cast<int>(limits::antispam_pattern_program)) {
          return too_large(where + "pattern", limits::antispam_pattern_program,
                           static_cast<std::uint64_t>(pattern->ProgramSize()));
        }
        if (pattern_cost > limits::antispam_patterns_program) {
          return too_large("patterns", limits::antispam_patterns_program, pattern_cost);
        }
        rules.patterns_.push_back({*rule, std::move(pattern)});
        continue;
      }
      const auto entries = texts(*table, name, limits::antispam_word_bytes);
      if (!entries) return wrong(where + name);
      if (words.size() + rules.hosts_.size() + entries->size() > limits::antispam_words) {
        return too_large(where + name, limits::antispam_words,
                         words.size() + rules.hosts_.size() + entries->size());
      }
      for (const std::string& entry : *entries) {
        if (kind == RuleKind::hosts) {
          const std::string host = folding.fold(entry);
          if (host.find('.') == std::string::npos || host.front() == '.' || host.back() == '.') {
            return wrong(where + name);
          }
          rules.hosts_.push_back({host, *rule});
          continue;
        }
        std::string_view shown = entry;
        WordList::Word word{.text = {}, .rule = *rule};
        if (shown.starts_with('*')) {
          word.open_begin = true;
          shown.remove_prefix(1);
        }
        if (shown.ends_with('*')) {
          word.open_end = true;
          shown.remove_suffix(1);
        }
        // As the texts that it is looked for in are read.
        word.text = NormalText(folding, shown).text();
        if (std::ranges::count_if(word.text, is_word_byte) < 2) return wrong(where + name);
        word_bytes += word.text.size();
        if (word_bytes > limits::antispam_words_bytes) {
          return too_large(where + name, limits::antispam_words_bytes, word_bytes);
        }
        words.push_back(std::move(word));
      }
    }
  }
  constexpr std::size_t few_patterns = 4;
  if (rules.patterns_.size() > few_patterns) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(limits::antispam_patterns_memory);
    auto set = std::make_shared<RE2::Set>(options, RE2::UNANCHORED);
    for (const Pattern& each : rules.patterns_) {
      if (set->Add(each.pattern->pattern(), nullptr) < 0) return wrong("patterns");
    }
    if (!set->Compile()) return wrong("patterns");
    rules.pattern_set_ = std::move(set);
  }
  rules.words_ = WordList(std::move(words));
  std::ranges::sort(rules.hosts_, {}, &Host::host);

  if (const auto* node = file.get("protected")) {
    const toml::table* table = node->as_table();
    if (table == nullptr) return wrong("protected");
    if (!only_keys(*table, {"hosts", "names"}, "protected.", refusal)) {
      return std::unexpected(std::move(refusal));
    }
    for (const auto& [key, out] : {std::pair{"hosts", &rules.protected_hosts_},
                                   std::pair{"names", &rules.protected_names_}}) {
      if (!table->contains(key)) continue;
      auto entries = texts(*table, key, limits::antispam_word_bytes);
      if (!entries || entries->size() > limits::antispam_protected) {
        return wrong("protected."s + key);
      }
      *out = *std::move(entries);
    }
  }
  return rules;
}

std::vector<Rules::Hit> Rules::find(const NormalText& text, const std::vector<Link>& links) const {
  std::vector<Hit> hits;
  const auto add = [&](std::uint32_t rule, Span span) {
    if (std::ranges::find(hits, rule, &Hit::rule) == hits.end()) hits.push_back({rule, span});
  };
  const auto found = [&](const WordList::Word& word, std::size_t begin, std::size_t end) {
    add(word.rule, text.span(begin, end));
  };
  words_.find(text.text(), found);
  const bool disguised = text.plain() != text.text();
  if (disguised) words_.find(text.plain(), found);

  for (const std::string* view : {&text.text(), &text.plain()}) {
    if (patterns_.empty() || (view == &text.plain() && !disguised)) continue;
    const re2::StringPiece shown(
        view->data(), std::min<std::size_t>(view->size(), limits::antispam_pattern_text));
    const auto ask = [&](const Pattern& each) {
      re2::StringPiece match;
      if (!each.pattern->Match(shown, 0, shown.size(), RE2::UNANCHORED, &match, 1)) return;
      const auto begin = static_cast<std::size_t>(match.data() - shown.data());
      add(each.rule, text.span(begin, begin + std::max<std::size_t>(match.size(), 1)));
    };
    std::vector<int> met;
    RE2::Set::ErrorInfo error{RE2::Set::kNoError};
    if (pattern_set_ != nullptr &&
        (pattern_set_->Match(shown, &met, &error) || error.kind == RE2::Set::kNoError)) {
      for (const int index : met) ask(patterns_[static_cast<std::size_t>(index)]);
    } else {  // few, or more than the automaton of all has room for
      for (const Pattern& each : patterns_) ask(each);
    }
  }

  for (const Link& link : links) {
    // The host itself and each of its parents, at the dots.
    for (std::string_view host = link.host;;) {
      auto listed = std::ranges::lower_bound(
          hosts_, host, {}, [](const Host& h) { return std::string_view(h.host); });
      for (; listed != hosts_.end() && listed->host == host; ++listed) add(listed->rule, link.span);
      const auto dot = host.find('.');
      if (dot == std::string_view::npos) break;
      host.remove_prefix(dot + 1);
    }
  }
  std::ranges::sort(hits, {}, &Hit::rule);
  return hits;
}

}  // namespace amicale::domain::antispam
