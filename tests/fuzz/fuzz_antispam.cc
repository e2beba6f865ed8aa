// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What anybody writes and what a committee uploads: a text through reading and judging by the standard rules, and the same
// bytes as a rules file, whose rules then judge them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/domain/antispam/judge.h"
#include "server/domain/antispam/names.h"
#include "server/domain/limits.h"

namespace {

using namespace amicale::domain::antispam;

void require(bool holds) {
  if (!holds) std::abort();
}

void judge_text(const Filter& filter, const Rules& rules, std::string_view body) {
  const Reading reading = filter.read(rules, body);
  const auto inside = [body](Span span) {
    require(span.begin <= span.end && span.end <= body.size());
  };
  for (const Link& link : reading.links) inside(link.span);
  for (const Rules::Hit& hit : reading.hits) inside(hit.span);
  Circumstances circumstances;
  circumstances.actor.account_id = 1;
  circumstances.actor.role = amicale::v1::CLUB_ROLE_MEMBER;
  circumstances.now_ms = 1;
  const Memory memory(rules.limits());
  const Verdict verdict = judge(rules, reading, circumstances, memory);
  const Verdict again = judge(rules, filter.read(rules, body), circumstances, memory);
  require(verdict.record.SerializeAsString() == again.record.SerializeAsString());
  require(verdict.action == Action::allow || verdict.why.findings_size() != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Filter filter;
  static const Rules standard = Rules::standard();
  if (size > amicale::domain::limits::message_bytes) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  judge_text(filter, standard, bytes);
  look_of_name(filter.folding(), bytes);
  claims_office(filter.folding(), bytes);
  // A rules file and a text, divided by a zero byte; without one, the file is its own text.
  const auto end = bytes.find('\0');
  const auto rules = Rules::parse(filter.folding(), bytes.substr(0, end));
  if (rules) judge_text(filter, *rules, end == bytes.npos ? bytes : bytes.substr(end + 1));
  return 0;
}
