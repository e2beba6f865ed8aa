// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/charter.h"

#include "server/auth/token.h"
#include "server/domain/invitation.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"

namespace amicale::queries {

Result<v1::GetCharterReply> charter(const View& view, const Caller& caller,
                                    const v1::GetCharter& request) {
  v1::GetCharterReply reply;
  uint64_t club = request.club_id();
  if (!request.code().empty()) {
    // The code is the permission, as for what the invitation leads to.
    const auto row = view.invitation_by_hash(auth::digest(request.code()));
    auto opens = domain::check_invitation(row ? &*row : nullptr, row ? row->account_id() : 0,
                                          caller.asked_ms);
    if (!opens) return std::unexpected(opens.error());
    if (club != 0 && club != row->invitation().club_id()) return domain::not_found();
    club = row->invitation().club_id();
    if (club == 0) return reply;  // an invitation to the site alone
  } else if (club == 0) {
    *reply.mutable_charter() = domain::default_charter();
    return reply;
  } else {
    auto allowed = domain::may(actor_in(view, caller, club), domain::Action::read_charter);
    if (!allowed) return std::unexpected(allowed.error());
    if (!view.club(club)) return domain::not_found();
  }
  auto found = view.charter(storage::PartitionId::club(club), request.version());
  if (!found && request.version() != 0) return domain::not_found();
  if (found) *reply.mutable_charter() = std::move(*found);
  if (caller.account_id == 0) return reply;
  if (auto member = view.member(club, caller.account_id))
    reply.set_accepted(member->charter_version());
  return reply;
}

Result<v1::SuggestSanctionReply> suggestion(const View& view, const Caller& caller,
                                            const v1::SuggestSanction& request) {
  auto allowed =
      domain::may(actor_in(view, caller, request.club_id()), domain::Action::list_sanctions);
  if (!allowed) return std::unexpected(allowed.error());
  if (!view.club(request.club_id())) return domain::not_found();
  const bool known =
      v1::ReasonCode_IsValid(request.reason()) && request.reason() != v1::REASON_CODE_UNSPECIFIED;
  if (!known) return domain::bad_request("reason");
  if (!view.member(request.club_id(), request.account_id())) return domain::not_found();
  const auto club = storage::PartitionId::club(request.club_id());
  std::vector<v1::Sanction> history;
  for (auto& row : view.sanctions_on(request.account_id(), club))
    history.push_back(std::move(*row.mutable_sanction()));
  // A club's time never goes back, even when the clock does.
  const int64_t now_ms = std::max(caller.asked_ms, view.head(club).time_ms());
  return domain::suggest(view.charter(club).value_or(v1::Charter{}), history, request.reason(),
                         now_ms);
}

}  // namespace amicale::queries
