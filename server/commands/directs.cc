// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/directs.h"

#include <algorithm>

#include "server/domain/account.h"
#include "server/domain/direct.h"
#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/queries/reading.h"

namespace amicale::commands {
namespace {

using domain::Decision;
using domain::Result;
using log::Deciding;

// Both are active or paused in one same club.
bool share_a_club(const storage::View& facts, uint64_t a, uint64_t b) {
  for (const auto& membership : facts.memberships_of(a)) {
    if (!domain::has(domain::readers, membership.member.status())) continue;
    auto other = facts.member(membership.club_id, b);
    if (other && domain::has(domain::readers, other->status())) return true;
  }
  return false;
}

// SANCTIONED, or RAID_MODE, when `a` is held back in every club that they share with `b`: nobody is asked for a
// conversation out of a club in which one is silent.
Result<void> check_free_to_ask(const Deciding& now, uint64_t a, uint64_t b) {
  std::optional<domain::Held> held;
  int64_t raid_until_ms = 0;
  for (const auto& membership : now.facts.memberships_of(a)) {
    if (!domain::has(domain::readers, membership.member.status())) continue;
    auto other = now.facts.member(membership.club_id, b);
    if (!other || !domain::has(domain::readers, other->status())) continue;
    auto here = queries::find_hold(now.facts, a, membership.club_id, 0, now.now_ms);
    const int64_t until_ms = queries::raid_until(now.facts, a, membership.club_id, now.now_ms);
    if (!here && until_ms == 0) return {};
    if (here) held = here;
    raid_until_ms = std::max(raid_until_ms, until_ms);
  }
  if (raid_until_ms != 0 && !held) return domain::refuse_raid(raid_until_ms, now.now_ms);
  if (held) return domain::refuse_held(*held, now.now_ms);
  return {};
}

// Conversations that the account asked for and that wait for an answer. An officer's are not counted: they write to whom they
// look after.
std::size_t unanswered_of(const storage::View& facts, uint64_t account) {
  const auto memberships = facts.memberships_of(account);
  const bool officer = std::ranges::any_of(memberships, [](const auto& membership) {
    return domain::is_officer(membership.member.role(), membership.member.status());
  });
  if (officer) return 0;
  const auto directs = facts.directs_of(account);
  return static_cast<std::size_t>(std::ranges::count_if(directs, [account](const auto& direct) {
    return direct.status() == v1::DIRECT_STATUS_REQUESTED && direct.requested_by() == account;
  }));
}

// The conversation that a request names by its other side, or nothing: an account with itself has none.
std::optional<uint64_t> conversation(uint64_t caller, uint64_t other) {
  if (other == 0 || other == caller || other > domain::limits::accounts_per_site)
    return std::nullopt;
  return domain::direct_id(caller, other);
}

// Tells the sides, on their own streams, that there is something new about this conversation.
Answer<log::Outcome> notice(Gate& gate, const Caller& caller, v1::ClientFrame::BodyCase kind,
                            const std::string& client_msg_id, uint64_t account, uint64_t direct) {
  Decide decide = [direct](const Deciding&) -> Result<Decision> {
    return domain::notice_direct(direct);
  };
  co_return co_await commit_step(gate, caller.account_id, storage::PartitionId::account(account),
                                 kind, client_msg_id, "notice", std::move(decide));
}

}  // namespace

Answer<v1::Committed> open_direct(Gate& gate, Caller caller, const v1::OpenDirect& request) {
  auto id = conversation(caller.account_id, request.account_id());
  if (!id) co_return domain::not_found();
  Decide decide = [&request, caller](const Deciding& now) -> Result<Decision> {
    domain::DirectFacts facts{.share_a_club =
                                  share_a_club(now.facts, caller.account_id, request.account_id())};
    // Answering who asked first, and what is open already, is between the two.
    if (now.direct().status() == v1::DIRECT_STATUS_UNSPECIFIED) {
      auto free = check_free_to_ask(now, caller.account_id, request.account_id());
      if (!free) return std::unexpected(free.error());
      facts.unanswered = unanswered_of(now.facts, caller.account_id);
    }
    return domain::open_direct(now.direct(), facts, request, caller.account_id);
  };
  auto outcome =
      co_await commit(gate, caller, storage::PartitionId::direct(*id), v1::ClientFrame::kOpenDirect,
                      request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  for (uint64_t side : {request.account_id(), caller.account_id}) {
    auto told = co_await notice(gate, caller, v1::ClientFrame::kOpenDirect, request.client_msg_id(),
                                side, *id);
    if (!told) co_return std::unexpected(told.error());
  }
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> answer_direct(Gate& gate, Caller caller, const v1::AnswerDirect& request) {
  const uint64_t lower = domain::lower_side(request.direct_id());
  const uint64_t higher = domain::higher_side(request.direct_id());
  if (caller.account_id != lower && caller.account_id != higher) co_return domain::not_found();
  Decide decide = [&request, caller](const Deciding& now) {
    return domain::answer_direct(now.direct(), request, caller.account_id);
  };
  auto outcome =
      co_await commit(gate, caller, storage::PartitionId::direct(request.direct_id()),
                      v1::ClientFrame::kAnswerDirect, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  for (uint64_t side : {lower, higher}) {
    auto told = co_await notice(gate, caller, v1::ClientFrame::kAnswerDirect,
                                request.client_msg_id(), side, request.direct_id());
    if (!told) co_return std::unexpected(told.error());
  }
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> block_direct(Gate& gate, Caller caller, const v1::BlockDirect& request) {
  auto id = conversation(caller.account_id, request.account_id());
  if (!id) co_return domain::not_found();
  Decide decide = [&request, caller](const Deciding& now) {
    domain::DirectFacts facts{.share_a_club =
                                  share_a_club(now.facts, caller.account_id, request.account_id())};
    return domain::block_direct(now.direct(), facts, request, caller.account_id);
  };
  auto outcome =
      co_await commit(gate, caller, storage::PartitionId::direct(*id),
                      v1::ClientFrame::kBlockDirect, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  // The other side is not told.
  auto told = co_await notice(gate, caller, v1::ClientFrame::kBlockDirect, request.client_msg_id(),
                              caller.account_id, *id);
  if (!told) co_return std::unexpected(told.error());
  co_return std::move(outcome->committed);
}

}  // namespace amicale::commands
