// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The messages that wait for a club's committee, and how well a club knows who wrote them.
#include "server/admin/console.h"
#include "server/admin/lookup.h"
#include "server/admin/table.h"
#include "server/admin/verbs.h"

namespace amicale::admin {

int run(const verb::HeldList& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  Names names(*here->connection);
  Table table({console.text(phrase::col_number), console.text(phrase::col_time),
               console.text(phrase::col_author), console.text(phrase::col_rule),
               console.text(phrase::col_state), console.text(phrase::col_text)});
  for (std::uint64_t after = 0;;) {
    v1::ListHeld request;
    request.set_club_id(here->club.club_id());
    request.set_after(after);
    request.set_reviewed(verb.reviewed);
    const auto reply = here->connection->call(std::move(request));
    if (!reply) return console.fail(reply.error());
    if (console.json()) console.print_json(*reply);
    for (const v1::HeldMessage& held : reply->held()) {
      const auto& findings = held.why().findings();
      table.add({std::to_string(held.held_id()), local_time(held.time_ms()),
                 names.of(here->club.club_id(), held.author()),
                 findings.empty() ? "" : findings[0].rule_id(),
                 !held.reviewed()  ? ""
                 : held.released() ? console.text(phrase::held_released)
                                   : console.text(phrase::held_rejected),
                 (held.number() != 0 ? console.text(phrase::held_edit) : "") + held.body()});
    }
    after = reply->after();
    if (after == 0) break;
  }
  if (!console.json()) console.print(table.text());
  return kDone;
}

int run(const verb::HeldReview& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ReviewHeld request;
  request.set_club_id(here->club.club_id());
  request.set_held_id(verb.held);
  request.set_release(verb.release);
  request.set_reason(verb.reason);
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::SpamTrust& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::GetTrust request;
  request.set_club_id(here->club.club_id());
  if (!verb.member.empty()) {
    const auto member = find_member(console, *here->connection, here->club.club_id(), verb.member);
    if (!member) return member.error();
    request.set_account_id(*member);
  }
  const auto reply = here->connection->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  console.print(console.language() == v1::LANGUAGE_EN ? reply->text_en() : reply->text_fr());
  console.say(phrase::spam_trust_facts, reply->accepted(), reply->rejected(),
              reply->vouched_by() == 0
                  ? "-"
                  : Names(*here->connection).of(here->club.club_id(), reply->vouched_by()),
              reply->since_ms() == 0 ? "-" : local_time(reply->since_ms()));
  return kDone;
}

}  // namespace amicale::admin
