// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/charter_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <sstream>

#include "server/admin/phrases.h"
#include "server/admin/terminal_text.h"
#include "server/admin/vocabulary.h"

namespace amicale::admin {
namespace {

std::unexpected<std::string> at(const toml::node& node, std::string_view what) {
  return std::unexpected(fmt::format("{}: {}", node.source().begin.line, what));
}

std::expected<v1::LadderStep, std::string> step_from(const toml::node& node) {
  const auto text = node.value<std::string_view>();
  if (!text) return at(node, "ladder");
  const std::size_t space = std::min(text->find(' '), text->size());
  const auto measure = measure_from(text->substr(0, space));
  if (!measure) return at(node, *text);
  v1::LadderStep step;
  step.set_measure(*measure);
  if (space == text->size()) return step;
  const auto seconds = duration_from(text->substr(space + 1));
  if (!seconds) return at(node, *text);
  step.set_duration_s(*seconds);
  return step;
}

// Calls `take` with each text of a list; nothing when the key is not there.
template <typename Take>
std::expected<void, std::string> each(const toml::table& rule, std::string_view key, Take take) {
  const toml::node* node = rule.get(key);
  if (!node) return {};
  const toml::array* list = node->as_array();
  if (!list) return at(*node, key);
  for (const toml::node& one : *list) {
    if (auto taken = take(one); !taken) return taken;
  }
  return {};
}

std::expected<v1::CharterRule, std::string> rule_from(const toml::table& table) {
  v1::CharterRule rule;
  for (const auto& [key, node] : table) {
    if (key == "reasons" || key == "detectors" || key == "ladder") continue;
    const auto text = node.value<std::string>();
    if (!text) return at(node, key.str());
    if (key == "id")
      rule.set_rule_id(*text);
    else if (key == "fr")
      rule.set_fr(*text);
    else if (key == "en")
      rule.set_en(*text);
    else
      return at(node, key.str());
  }
  using Taken = std::expected<void, std::string>;
  auto read = each(table, "reasons", [&](const toml::node& one) -> Taken {
    const auto reason = reason_from(one.value_or(std::string_view()));
    if (!reason) return at(one, one.value_or(std::string_view("reasons")));
    rule.add_reasons(*reason);
    return {};
  });
  if (!read) return std::unexpected(read.error());
  read = each(table, "detectors", [&](const toml::node& one) -> Taken {
    const auto text = one.value<std::string>();
    if (!text) return at(one, "detectors");
    rule.add_detectors(*text);
    return {};
  });
  if (!read) return std::unexpected(read.error());
  read = each(table, "ladder", [&](const toml::node& one) -> Taken {
    auto step = step_from(one);
    if (!step) return std::unexpected(step.error());
    *rule.add_ladder() = std::move(*step);
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return rule;
}

}  // namespace

std::expected<v1::Charter, std::string> charter_from(std::string_view text) {
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return std::unexpected(fmt::format("{}: {}", error.source().begin.line, error.description()));
  }
  v1::Charter charter;
  for (const auto& [key, node] : file) {
    const toml::array* rules = node.as_array();
    if (key != "rule" || !rules) return at(node, key.str());
    for (const toml::node& one : *rules) {
      const toml::table* table = one.as_table();
      if (!table) return at(one, "rule");
      auto rule = rule_from(*table);
      if (!rule) return std::unexpected(rule.error());
      *charter.add_rules() = std::move(*rule);
    }
  }
  return charter;
}

std::string charter_to_toml(const v1::Charter& charter) {
  std::ostringstream out;
  for (const auto& rule : charter.rules()) {
    toml::array reasons, detectors, ladder;
    for (const int reason : rule.reasons())
      reasons.push_back(std::string(word_of(static_cast<v1::ReasonCode>(reason))));
    for (const auto& detector : rule.detectors()) detectors.push_back(detector);
    for (const auto& step : rule.ladder()) {
      std::string word(word_of(step.measure()));
      if (step.duration_s() != 0) word += " " + duration_word(step.duration_s());
      ladder.push_back(word);
    }
    // In the order in which one writes them.
    out << "[[rule]]\nid = " << toml::value<std::string>(rule.rule_id())
        << "\nfr = " << toml::value<std::string>(rule.fr())
        << "\nen = " << toml::value<std::string>(rule.en()) << "\nreasons = " << reasons
        << "\ndetectors = " << detectors << "\nladder = " << ladder << "\n\n";
  }
  return out.str();
}

std::string step_text(const v1::LadderStep& step, v1::Language language) {
  std::string text(name_of(step.measure()).in(language));
  if (step.duration_s() != 0) text += " " + duration_word(step.duration_s(), language);
  return text;
}

std::vector<std::string> charter_lines(const v1::Charter& charter, v1::Language language) {
  std::vector<std::string> out;
  int number = 0;
  for (const auto& rule : charter.rules()) {
    const auto& sentence = language == v1::LANGUAGE_EN ? rule.en() : rule.fr();
    out.emplace_back();
    out.push_back(
        fmt::format("{}. {}  [{}]", ++number, printable(sentence), printable(rule.rule_id())));
    std::string ladder;
    for (const auto& step : rule.ladder()) {
      if (!ladder.empty()) ladder += " → ";
      ladder += step_text(step, language);
    }
    out.push_back("   " + ladder);
  }
  return out;
}

}  // namespace amicale::admin
