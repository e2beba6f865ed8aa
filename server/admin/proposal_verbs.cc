// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What takes two of a club's committee, from the command line.
#include "server/admin/console.h"
#include "server/admin/lookup.h"
#include "server/admin/table.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"

namespace amicale::admin {
namespace {

template <typename Request, typename Verb>
int answer(Request request, const Verb& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  request.set_club_id(here->club.club_id());
  request.set_proposal_id(verb.proposal);
  const auto reply = here->connection->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json())
    console.print_json(*reply);
  else
    console.say(phrase::done);
  return kDone;
}

// What is proposed, in a word.
const Phrase& act_of(const v1::Proposal& proposal) {
  if (proposal.kind() == v1::PROPOSAL_KIND_CHARTER) return phrase::proposal_charter;
  return proposal.kind() == v1::PROPOSAL_KIND_STATUS ? name_of(proposal.status())
                                                     : name_of(proposal.sanction());
}

Table table_of(const Console& console) {
  return Table({console.text(phrase::col_number), console.text(phrase::col_account),
                console.text(phrase::col_act), console.text(phrase::col_reason),
                console.text(phrase::col_by), console.text(phrase::col_since),
                console.text(phrase::col_due), console.text(phrase::col_state),
                console.text(phrase::col_text)});
}

void add_to(Table& table, const Console& console, Names& names, const v1::Proposal& p) {
  table.add(
      {std::to_string(p.proposal_id()),
       p.account_id() == 0 ? console.text(phrase::none) : names.of(p.club_id(), p.account_id()),
       console.text(act_of(p)), console.text(name_of(p.reason())),
       names.of(p.club_id(), p.proposed_by()), local_time(p.proposed_ms()),
       local_time(p.expires_ms()), console.text(name_of(p.state())),
       cut_to(printable(p.decision().empty() ? p.text() : p.decision()), 48)});
}

}  // namespace

int run(const verb::ProposalList& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ListProposals request;
  request.set_club_id(here->club.club_id());
  request.set_closed(verb.all);
  const auto all = all_pages(*here->connection, std::move(request));
  if (!all) return console.fail(all.error());
  if (console.json()) {
    console.print_json(*all);
    return kDone;
  }
  Names names(*here->connection);
  Table table = table_of(console);
  for (const auto& one : all->cases()) add_to(table, console, names, one.proposal());
  console.print(table.text());
  console.say(phrase::how_many, all->cases_size());
  for (const auto& one : all->cases()) {
    const auto& p = one.proposal();
    const bool waits = p.state() == v1::PROPOSAL_STATE_OPEN;
    if (waits && p.kind() == v1::PROPOSAL_KIND_CHARTER)
      console.say(phrase::proposal_read, verb.club, p.proposal_id());
  }
  return kDone;
}

int run(const verb::ProposalShow& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ListProposals request;
  request.set_club_id(here->club.club_id());
  request.set_closed(true);
  request.set_before(verb.proposal + 1);
  request.set_page(1);
  const auto found = here->connection->call(std::move(request));
  if (!found) return console.fail(found.error());
  if (found->cases().empty() || found->cases(0).proposal().proposal_id() != verb.proposal)
    return console.fail_usage(phrase::proposal_unknown, verb.proposal);
  const auto& one = found->cases(0);
  if (console.json()) {
    console.print_json(one);
    return kDone;
  }
  const auto& p = one.proposal();
  Names names(*here->connection);
  Table table = table_of(console);
  add_to(table, console, names, p);
  console.print(table.text());
  for (const auto& text : {p.text(), p.note(), p.decision()})
    if (!text.empty()) console.print(printable(text));
  for (const auto& message : one.evidence())
    console.print("┃ #" + std::to_string(message.number()) + "  " + printable(message.body()));
  if (p.has_charter()) print_charter(console, p.charter());
  return kDone;
}

int run(const verb::ProposalConfirm& verb, Console& console) {
  v1::DecideProposal request;
  request.set_confirm(true);
  request.set_text(verb.text);
  return answer(std::move(request), verb, console);
}

int run(const verb::ProposalDecline& verb, Console& console) {
  v1::DecideProposal request;
  request.set_text(verb.text);
  return answer(std::move(request), verb, console);
}

int run(const verb::ProposalWithdraw& verb, Console& console) {
  return answer(v1::WithdrawProposal{}, verb, console);
}

}  // namespace amicale::admin
