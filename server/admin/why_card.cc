// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/why_card.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/admin/terminal_text.h"

namespace amicale::admin {

std::vector<std::string> why_card(const v1::Why& why, std::string_view body,
                                  v1::Language language) {
  const bool english = language == v1::LANGUAGE_EN;
  std::vector<std::string> lines;
  for (const v1::Finding& finding : why.findings()) {
    // What a server says is looked at before it cuts a text.
    const auto end = std::min<std::size_t>(finding.span_end(), body.size());
    const auto begin = std::min<std::size_t>(finding.span_begin(), end);
    const std::string_view words = body.substr(begin, end - begin);
    lines.push_back(fmt::format("{} v{}: {}{}", printable(finding.rule_id()),
                                finding.rule_version(),
                                printable(english ? finding.text_en() : finding.text_fr()),
                                words.empty() ? "" : " [" + printable(words) + "]"));
  }
  const auto& trust = english ? why.trust_en() : why.trust_fr();
  if (!trust.empty()) lines.push_back(printable(trust));
  const auto& appeal = english ? why.appeal_en() : why.appeal_fr();
  if (!appeal.empty()) lines.push_back(printable(appeal));
  return lines;
}

}  // namespace amicale::admin
