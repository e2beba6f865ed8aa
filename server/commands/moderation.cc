// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/moderation.h"

#include <algorithm>

#include "server/commands/accounts.h"
#include "server/commands/messages.h"
#include "server/commands/on_behalf.h"
#include "server/domain/appeal.h"
#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/proposal.h"
#include "server/domain/raid.h"
#include "server/domain/removal.h"
#include "server/domain/report.h"
#include "server/domain/sanction.h"
#include "server/domain/slow_mode.h"
#include "server/queries/reading.h"

namespace amicale::commands {
namespace {

using domain::Decision;
using domain::Result;
using log::Deciding;
using storage::PartitionId;

domain::Actor actor(const Deciding& now, const Caller& caller) {
  return domain::actor_in(now.club(), caller.account_id, caller.site_role, now.now_ms);
}

v1::SiteRole site_role_of(const storage::View& view, uint64_t account) {
  auto row = view.account(account);
  return row ? row->site_role() : v1::SITE_ROLE_NONE;
}

std::vector<v1::Message> find_evidence(const Deciding& now, const v1::ImposeSanction& request) {
  std::vector<v1::Message> found;
  // Above its bound nothing is read: the rule refuses it.
  if (static_cast<uint32_t>(request.evidence_size()) > domain::limits::evidence_messages)
    return found;
  for (const auto& ref : request.evidence()) {
    auto message =
        now.facts.message(PartitionId::club(request.club_id()), ref.room_id(), ref.number());
    if (message) found.push_back(std::move(*message));
  }
  return found;
}

// Tells the account of a sanction as it is now.
Answer<log::Outcome> notice(Gate& gate, const Caller& caller, v1::ClientFrame::BodyCase kind,
                            std::string client_msg_id, PartitionId where, uint64_t sanction_id) {
  auto row = gate.view().sanction(where, sanction_id);
  if (!row) co_return domain::not_found();
  Decide decide = [sanction = row->sanction()](const Deciding&) -> Result<Decision> {
    return domain::notice_sanction(sanction);
  };
  co_return co_await commit_step(gate, caller.account_id,
                                 PartitionId::account(row->sanction().account_id()), kind,
                                 client_msg_id, "sanction", std::move(decide));
}

// What a sanction's beginning or end has to be followed by, outside the club.
Answer<std::monostate> follow_up(Gate& gate, const Caller& caller, v1::ClientFrame::BodyCase kind,
                                 const std::string& client_msg_id, uint64_t club,
                                 uint64_t sanction_id) {
  auto told =
      co_await notice(gate, caller, kind, client_msg_id, PartitionId::club(club), sanction_id);
  if (!told) co_return std::unexpected(told.error());
  auto row = gate.view().sanction(PartitionId::club(club), sanction_id);
  if (row && row->sanction().kind() != v1::SANCTION_KIND_WARNING &&
      row->sanction().kind() != v1::SANCTION_KIND_MUTE) {
    auto moved = co_await notice_membership(gate, caller, kind, client_msg_id, club,
                                            row->sanction().account_id());
    if (!moved) co_return std::unexpected(moved.error());
  }
  co_return std::monostate{};
}

// Of a ban from the site and of its end: the record for the site's staff, who follow no account.
Answer<log::Outcome> record_ban(Gate& gate, const Caller& caller, v1::ClientFrame::BodyCase kind,
                                std::string client_msg_id, uint64_t account, uint64_t sanction_id) {
  auto row = gate.view().sanction(PartitionId::account(account), sanction_id);
  if (!row) co_return domain::not_found();
  Decide decide = [sanction = row->sanction()](const Deciding&) -> Result<Decision> {
    return domain::notice_sanction(sanction);
  };
  co_return co_await commit_step(gate, caller.account_id, PartitionId::site(), kind, client_msg_id,
                                 "site ban", std::move(decide));
}

// Tells of an appeal as it is now: the account, of one in a club; the site's staff, of one of a ban from the site.
Answer<log::Outcome> tell_of_appeal(Gate& gate, const Caller& caller,
                                    v1::ClientFrame::BodyCase kind, std::string client_msg_id,
                                    PartitionId where, uint64_t sanction_id) {
  auto row = gate.view().sanction(where, sanction_id);
  if (!row) co_return domain::not_found();
  Decide decide = [sanction = row->sanction(),
                   state = row->appeal().state()](const Deciding&) -> Result<Decision> {
    return domain::notice_appeal(sanction, state);
  };
  const auto to = where.kind == v1::STREAM_KIND_CLUB
                      ? PartitionId::account(row->sanction().account_id())
                      : PartitionId::site();
  co_return co_await commit_step(gate, caller.account_id, to, kind, client_msg_id, "appeal",
                                 std::move(decide));
}

Answer<v1::Committed> ban_account(Gate& gate, Caller caller, const v1::ImposeSanction& request) {
  if (request.has_on_behalf()) co_return domain::bad_request("on_behalf", "behalf.no_club");
  // The rule says no again, at commit; here it keeps strangers from asking which accounts there are.
  auto site_actor = domain::actor_on_site(caller.account_id, caller.site_role);
  auto allowed = domain::may(site_actor, domain::Action::ban_account);
  if (!allowed) co_return std::unexpected(allowed.error());
  if (!gate.view().account(request.account_id())) co_return domain::not_found();
  Decide decide = [&request, site_actor](const Deciding& now) {
    return domain::ban_account(now.account(), request, site_actor, now.now_ms);
  };
  auto outcome =
      co_await commit(gate, caller, PartitionId::account(request.account_id()),
                      v1::ClientFrame::kImposeSanction, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  co_await gate.settled();
  auto recorded =
      co_await record_ban(gate, caller, v1::ClientFrame::kImposeSanction, request.client_msg_id(),
                          request.account_id(), outcome->committed.object_id());
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> lift_account_ban(Gate& gate, Caller caller, const v1::LiftSanction& request) {
  if (request.has_on_behalf()) co_return domain::bad_request("on_behalf", "behalf.no_club");
  auto site_actor = domain::actor_on_site(caller.account_id, caller.site_role);
  auto allowed = domain::may(site_actor, domain::Action::ban_account);
  if (!allowed) co_return std::unexpected(allowed.error());
  if (!gate.view().account(request.account_id())) co_return domain::not_found();
  Decide decide = [&request, site_actor](const Deciding& now) {
    return domain::lift_account_ban(now.account(), request, site_actor, now.now_ms);
  };
  auto outcome =
      co_await commit(gate, caller, PartitionId::account(request.account_id()),
                      v1::ClientFrame::kLiftSanction, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  auto recorded =
      co_await record_ban(gate, caller, v1::ClientFrame::kLiftSanction, request.client_msg_id(),
                          request.account_id(), outcome->committed.object_id());
  if (!recorded) co_return std::unexpected(recorded.error());
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> answer_site_appeal(Gate& gate, Caller caller,
                                         const v1::AnswerAppeal& request) {
  constexpr auto kind = v1::ClientFrame::kAnswerAppeal;
  auto site_actor = domain::actor_on_site(caller.account_id, caller.site_role);
  auto allowed = domain::may(site_actor, domain::Action::ban_account);
  if (!allowed) co_return std::unexpected(allowed.error());
  if (!gate.view().account(request.account_id())) co_return domain::not_found();
  const auto where = PartitionId::account(request.account_id());
  Decide decide = [&request, site_actor, where](const Deciding& now) {
    auto row = now.facts.sanction(where, request.sanction_id());
    return domain::answer_site_appeal(now.account(), row ? &*row : nullptr, request, site_actor);
  };
  auto outcome =
      co_await commit(gate, caller, where, kind, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  auto told = co_await tell_of_appeal(gate, caller, kind, request.client_msg_id(), where,
                                      outcome->committed.object_id());
  if (!told) co_return std::unexpected(told.error());
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> decide_site_appeal(Gate& gate, Caller caller,
                                         const v1::DecideAppeal& request) {
  constexpr auto kind = v1::ClientFrame::kDecideAppeal;
  auto site_actor = domain::actor_on_site(caller.account_id, caller.site_role);
  auto allowed = domain::may(site_actor, domain::Action::ban_account);
  if (!allowed) co_return std::unexpected(allowed.error());
  if (!gate.view().account(request.account_id())) co_return domain::not_found();
  const auto where = PartitionId::account(request.account_id());
  Decide decide = [&request, site_actor, where](const Deciding& now) {
    auto row = now.facts.sanction(where, request.sanction_id());
    return domain::decide_site_appeal(now.account(), row ? &*row : nullptr, request, site_actor,
                                      now.now_ms);
  };
  auto outcome =
      co_await commit(gate, caller, where, kind, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  const uint64_t sanction_id = outcome->committed.object_id();
  auto told =
      co_await tell_of_appeal(gate, caller, kind, request.client_msg_id(), where, sanction_id);
  if (!told) co_return std::unexpected(told.error());
  if (request.grant()) {
    auto recorded = co_await record_ban(gate, caller, kind, request.client_msg_id(),
                                        request.account_id(), sanction_id);
    if (!recorded) co_return std::unexpected(recorded.error());
  }
  co_return std::move(outcome->committed);
}

// The account's own name, for the rules that end sanctions.
std::string name_of(const storage::View& view, uint64_t account) {
  return view.account(account).value_or(store::AccountRow{}).display_name();
}

}  // namespace

Answer<v1::Committed> impose_sanction(Gate& gate, Caller caller,
                                      const v1::ImposeSanction& request) {
  constexpr auto kind = v1::ClientFrame::kImposeSanction;
  if (request.club_id() == 0) {
    co_return co_await ban_account(gate, std::move(caller), request);
  }
  Decide decide = [&request, caller](const Deciding& now) {
    auto target = now.facts.member(request.club_id(), request.account_id());
    domain::SanctionFacts facts{.target = target ? &*target : nullptr,
                                .target_site_role = site_role_of(now.facts, request.account_id()),
                                .evidence = find_evidence(now, request)};
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::impose_sanction(now.club(), facts, request, who, now.now_ms);
    });
  };
  auto outcome = co_await commit(gate, caller, PartitionId::club(request.club_id()), kind,
                                 request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  // Of what waits for a second member, the person hears nothing.
  if (outcome->committed.proposal_id() != 0) co_return std::move(outcome->committed);
  auto followed = co_await follow_up(gate, caller, kind, request.client_msg_id(), request.club_id(),
                                     outcome->committed.object_id());
  if (!followed) co_return std::unexpected(followed.error());
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> lift_sanction(Gate& gate, Caller caller, const v1::LiftSanction& request) {
  constexpr auto kind = v1::ClientFrame::kLiftSanction;
  if (request.club_id() == 0) {
    co_return co_await lift_account_ban(gate, std::move(caller), request);
  }
  const auto club = PartitionId::club(request.club_id());
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.sanction(club, request.sanction_id());
    std::optional<v1::Member> target;
    std::string name;
    if (row) {
      target = now.facts.member(club.id, row->sanction().account_id());
      name = name_of(now.facts, row->sanction().account_id());
    }
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::lift_sanction(now.club(), row ? &row->sanction() : nullptr,
                                   {.target = target ? &*target : nullptr, .display_name = name},
                                   request, who, now.now_ms);
    });
  };
  auto outcome =
      co_await commit(gate, caller, club, kind, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  auto followed = co_await follow_up(gate, caller, kind, request.client_msg_id(), request.club_id(),
                                     outcome->committed.object_id());
  if (!followed) co_return std::unexpected(followed.error());
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> remove_messages(Gate& gate, Caller caller,
                                      const v1::RemoveMessages& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    std::vector<v1::Message> messages;
    // Above its bound nothing is read: the rule refuses it.
    if (static_cast<uint32_t>(request.messages_size()) <= domain::limits::removal_batch) {
      for (const auto& ref : request.messages()) {
        if (auto message = now.facts.message(club, ref.room_id(), ref.number()))
          messages.push_back(std::move(*message));
      }
    }
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::remove_messages(now.club(), messages, request, who);
    });
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kRemoveMessages,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::Committed> undo_removal(Gate& gate, Caller caller, const v1::UndoRemoval& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto removal = now.facts.removal(club, request.removal_id());
    std::vector<domain::Removed> messages;
    const v1::Removal named = removal.value_or(v1::Removal{});
    for (const auto& ref : named.messages()) {
      auto message = now.facts.message(club, ref.room_id(), ref.number());
      if (!message) continue;
      auto words = deleted_words(now.facts, club, *message);
      messages.push_back({std::move(*message), std::move(words)});
    }
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::undo_removal(now.club(), removal ? &*removal : nullptr, messages, who);
    });
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kUndoRemoval,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::Committed> file_report(Gate& gate, Caller caller, const v1::FileReport& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    std::optional<v1::Message> message;
    uint64_t subject = request.account_id();
    if (request.has_message()) {
      const auto& ref = request.message();
      message = now.facts.message(club, ref.room_id(), ref.number());
      if (message) {
        subject = message->author();
        // What was taken back in the meantime is what was told of.
        if (auto words = deleted_words(now.facts, club, *message))
          message->set_body(std::move(words->body));
      }
    }
    auto open = now.facts.report_about(club, subject, request.message().room_id(),
                                       request.message().number());
    domain::FilingFacts facts{.open = open ? &*open : nullptr,
                              .message = message ? &*message : nullptr,
                              .open_by_actor = now.facts.reports_by(caller.account_id, club)};
    return domain::file_report(now.club(), facts, request, actor(now, caller), now.now_ms);
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kFileReport,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::Committed> claim_report(Gate& gate, Caller caller, const v1::ClaimReport& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.report(club, request.report_id());
    return domain::claim_report(now.club(), row ? &*row : nullptr, request, actor(now, caller),
                                now.now_ms);
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kClaimReport,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::Committed> resolve_report(Gate& gate, Caller caller, const v1::ResolveReport& request) {
  constexpr auto kind = v1::ClientFrame::kResolveReport;
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.report(club, request.report_id());
    auto sanction = now.facts.sanction(club, request.sanction_id());
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::resolve_report(now.club(), row ? &*row : nullptr,
                                    sanction ? &sanction->sanction() : nullptr, request, who,
                                    now.now_ms);
    });
  };
  auto outcome =
      co_await commit(gate, caller, club, kind, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  // Those who told hear of it from the server, not from whoever decided.
  const auto row =
      gate.view().report(club, outcome->committed.object_id()).value_or(store::ReportRow{});
  for (uint64_t reporter : row.reporters()) {
    Decide tell = [report = row.report()](const Deciding&) -> Result<Decision> {
      return domain::notice_report(report.club_id(), report.report_id(), report.state());
    };
    auto told = co_await commit_step(gate, 0, PartitionId::account(reporter), kind,
                                     request.client_msg_id(), "report", std::move(tell));
    if (!told) co_return std::unexpected(told.error());
  }
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> appeal_sanction(Gate& gate, Caller caller,
                                      const v1::AppealSanction& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.sanction(club, request.sanction_id());
    return domain::appeal_sanction(now.club(), row ? &*row : nullptr, request, actor(now, caller),
                                   now.now_ms);
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kAppealSanction,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::Committed> answer_appeal(Gate& gate, Caller caller, const v1::AnswerAppeal& request) {
  constexpr auto kind = v1::ClientFrame::kAnswerAppeal;
  if (request.club_id() == 0) {
    if (request.has_on_behalf()) co_return domain::bad_request("on_behalf", "behalf.no_club");
    co_return co_await answer_site_appeal(gate, std::move(caller), request);
  }
  const auto club = PartitionId::club(request.club_id());
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.sanction(club, request.sanction_id());
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::answer_appeal(now.club(), row ? &*row : nullptr, request, who);
    });
  };
  auto outcome =
      co_await commit(gate, caller, club, kind, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  auto told = co_await tell_of_appeal(gate, caller, kind, request.client_msg_id(), club,
                                      outcome->committed.object_id());
  if (!told) co_return std::unexpected(told.error());
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> decide_appeal(Gate& gate, Caller caller, const v1::DecideAppeal& request) {
  constexpr auto kind = v1::ClientFrame::kDecideAppeal;
  if (request.club_id() == 0) {
    if (request.has_on_behalf()) co_return domain::bad_request("on_behalf", "behalf.no_club");
    co_return co_await decide_site_appeal(gate, std::move(caller), request);
  }
  const auto club = PartitionId::club(request.club_id());
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.sanction(club, request.sanction_id());
    std::optional<v1::Member> target;
    std::string name;
    if (row) {
      target = now.facts.member(club.id, row->sanction().account_id());
      name = name_of(now.facts, row->sanction().account_id());
    }
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::decide_appeal(now.club(), row ? &*row : nullptr,
                                   {.target = target ? &*target : nullptr, .display_name = name},
                                   request, who, now.now_ms);
    });
  };
  auto outcome =
      co_await commit(gate, caller, club, kind, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  const uint64_t sanction_id = outcome->committed.object_id();
  auto told =
      co_await tell_of_appeal(gate, caller, kind, request.client_msg_id(), club, sanction_id);
  if (!told) co_return std::unexpected(told.error());
  if (request.grant()) {
    auto followed =
        co_await follow_up(gate, caller, kind, request.client_msg_id(), club.id, sanction_id);
    if (!followed) co_return std::unexpected(followed.error());
  }
  co_return std::move(outcome->committed);
}

Answer<v1::AppealSiteBanReply> appeal_site_ban(Gate& gate, Caller caller,
                                               const v1::AppealSiteBan& request) {
  constexpr auto kind = v1::ClientFrame::kAppealSiteBan;
  auto account = co_await prove_account(gate, caller, request.login(), request.password());
  if (!account) co_return std::unexpected(account.error());
  caller.account_id = *account;
  const auto where = PartitionId::account(*account);
  uint64_t sanction_id = 0;
  if (request.text().empty()) {
    for (const auto& row : gate.view().standing_sanctions(where)) {
      const int64_t until = row.sanction().until_ms();
      if (until == 0 || until > gate.clock.now_ms()) sanction_id = row.sanction().sanction_id();
    }
  } else {
    Decide decide = [&request, where](const Deciding& now) {
      auto row = now.facts.sanction(where, now.account().ban().sanction_id);
      return domain::appeal_site_ban(now.account(), row ? &*row : nullptr, request.text(),
                                     now.now_ms);
    };
    auto outcome =
        co_await commit(gate, caller, where, kind, request.client_msg_id(), std::move(decide));
    if (!outcome) co_return std::unexpected(outcome.error());
    sanction_id = outcome->committed.object_id();
    auto told =
        co_await tell_of_appeal(gate, caller, kind, request.client_msg_id(), where, sanction_id);
    if (!told) co_return std::unexpected(told.error());
  }
  auto row = gate.view().sanction(where, sanction_id);
  if (!row) co_return domain::not_found();
  v1::AppealSiteBanReply reply;
  *reply.mutable_ban()->mutable_sanction() = std::move(*row->mutable_sanction());
  if (row->has_appeal()) *reply.mutable_ban()->mutable_appeal() = std::move(*row->mutable_appeal());
  co_return reply;
}

namespace {

domain::SecondFacts second_facts(const Deciding& now, const store::ProposalRow& row,
                                 const std::optional<v1::Member>& target) {
  const auto& proposal = row.proposal();
  return {.target = target ? &*target : nullptr,
          .target_site_role = site_role_of(now.facts, proposal.account_id()),
          .proposer_site_role = site_role_of(now.facts, proposal.proposed_by())};
}

}  // namespace

Answer<v1::Committed> decide_proposal(Gate& gate, Caller caller,
                                      const v1::DecideProposal& request) {
  constexpr auto kind = v1::ClientFrame::kDecideProposal;
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.proposal(club, request.proposal_id());
    const store::ProposalRow named = row.value_or(store::ProposalRow{});
    const auto target = now.facts.member(club.id, named.proposal().account_id());
    return domain::decide_proposal(now.club(), row ? &named : nullptr,
                                   second_facts(now, named, target), request, actor(now, caller),
                                   now.now_ms);
  };
  auto outcome =
      co_await commit(gate, caller, club, kind, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  const auto row = gate.view().proposal(club, outcome->committed.object_id());
  const v1::Proposal decided = row ? row->proposal() : v1::Proposal{};
  if (decided.state() != v1::PROPOSAL_STATE_CONFIRMED) co_return std::move(outcome->committed);
  if (decided.sanction_id() != 0) {
    auto followed = co_await follow_up(gate, caller, kind, request.client_msg_id(), club.id,
                                       decided.sanction_id());
    if (!followed) co_return std::unexpected(followed.error());
  } else if (decided.account_id() != 0) {
    auto told = co_await notice_membership(gate, caller, kind, request.client_msg_id(), club.id,
                                           decided.account_id());
    if (!told) co_return std::unexpected(told.error());
  }
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> withdraw_proposal(Gate& gate, Caller caller,
                                        const v1::WithdrawProposal& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, club](const Deciding& now) {
    auto row = now.facts.proposal(club, request.proposal_id());
    const store::ProposalRow named = row.value_or(store::ProposalRow{});
    return domain::withdraw_proposal(now.club(), row ? &named : nullptr,
                                     second_facts(now, named, std::nullopt), actor(now, caller),
                                     now.now_ms);
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kWithdrawProposal,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::Committed> start_raid_mode(Gate& gate, Caller caller, const v1::StartRaidMode& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller](const Deciding& now) {
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::start_raid_mode(now.club(), request, who);
    });
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kStartRaidMode,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::Committed> end_raid_mode(Gate& gate, Caller caller, const v1::EndRaidMode& request) {
  const auto club = PartitionId::club(request.club_id());
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller](const Deciding& now) {
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::end_raid_mode(now.club(), request, who);
    });
  };
  co_return committed_of(co_await commit(gate, caller, club, v1::ClientFrame::kEndRaidMode,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<bool> lapse_measure(Gate& gate, uint64_t club, uint64_t room) {
  Decide decide = [room](const Deciding& now) -> Result<Decision> {
    if (room != 0) return domain::lapse_slow_mode(now.club(), room, now.now_ms);
    return domain::lapse_raid_mode(now.club(), now.now_ms);
  };
  auto outcome = co_await gate.site.submit(
      PartitionId::club(club),
      log::Command{.actor = 0, .client_msg_id = {}, .decide = std::move(decide)});
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return outcome->committed.first_seq() != 0;
}

Answer<bool> lapse_sanctions(Gate& gate, uint64_t club, uint64_t account) {
  const auto where = PartitionId::club(club);
  std::vector<uint64_t> over;
  // A club's time never goes back, even when the clock does.
  const int64_t now_ms = std::max(gate.clock.now_ms(), gate.view().head(where).time_ms());
  for (const auto& row : gate.view().sanctions_on(account, where)) {
    const auto& sanction = row.sanction();
    const bool due = sanction.end() == v1::SANCTION_END_UNSPECIFIED && sanction.until_ms() != 0 &&
                     sanction.until_ms() <= now_ms;
    if (due) over.push_back(sanction.sanction_id());
  }
  if (over.empty()) co_return false;
  Decide decide = [account, club](const Deciding& now) -> Result<Decision> {
    auto target = now.facts.member(club, account);
    const std::string name = name_of(now.facts, account);
    return domain::lapse_sanctions(now.club(), account,
                                   {.target = target ? &*target : nullptr, .display_name = name},
                                   now.now_ms);
  };
  auto outcome = co_await gate.site.submit(
      where, log::Command{.actor = 0, .client_msg_id = {}, .decide = std::move(decide)});
  if (!outcome) co_return std::unexpected(outcome.error());
  // Under an id of their own, so that whoever comes second tells nothing twice.
  const Caller server{};
  for (const uint64_t sanction_id : over) {
    const std::string id =
        step_msg_id("lapse " + std::to_string(club) + " ", std::to_string(sanction_id));
    auto followed =
        co_await follow_up(gate, server, v1::ClientFrame::kLiftSanction, id, club, sanction_id);
    if (!followed) co_return std::unexpected(followed.error());
  }
  co_return true;
}

domain::Result<void> check_free_to_rename(const storage::View& view, uint64_t account,
                                          int64_t now_ms) {
  for (const auto& membership : view.memberships_of(account)) {
    // Leaving opens no way round it: who has left may come back with another name, and old messages show it. Who is banned has no way
    // back before it ends, and the club goes on showing the name that it knew.
    if (membership.member.status() == v1::MEMBER_STATUS_BANNED) continue;
    auto held = queries::find_hold(view, account, membership.club_id, domain::any_room, now_ms);
    if (held) return domain::refuse_held(*held, now_ms);
    const int64_t until_ms = queries::raid_until(view, account, membership.club_id, now_ms);
    if (until_ms != 0) return domain::refuse_raid(until_ms, now_ms);
  }
  return {};
}

}  // namespace amicale::commands
