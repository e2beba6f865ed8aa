// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>

#include "server/domain/antispam/trust.h"
#include "server/domain/limits.h"
#include "server/domain/text.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"

namespace amicale::queries {

namespace limits = domain::limits;

Result<v1::ListMembersReply> members(const View& view, const Caller& caller,
                                     const v1::ListMembers& request) {
  auto actor = actor_in(view, caller, request.club_id());
  auto allowed = domain::may(actor, domain::Action::list_members);
  if (!allowed) return std::unexpected(allowed.error());
  if (!view.club(request.club_id())) return domain::not_found();
  if (request.name_contains().size() > limits::name_bytes) {
    return domain::too_large("name_contains", limits::name_bytes, request.name_contains().size());
  }
  const std::size_t page = std::clamp<std::size_t>(
      request.page() == 0 ? limits::members_page : request.page(), 1, limits::members_page);
  const std::string wanted = domain::fold(request.name_contains());
  const bool sees_admissions = domain::may(actor, domain::Action::decide_admission).has_value();
  v1::ListMembersReply reply;
  uint64_t after = request.after();
  for (;;) {
    auto rows = view.members_of(request.club_id(), after, page);
    for (auto& member : rows) {
      after = member.account_id();
      // Who is not in, or no longer, is the committee's business and the person's own.
      if (!domain::has(domain::readers, member.status()) && !sees_admissions &&
          member.account_id() != caller.account_id) {
        continue;
      }
      if (!wanted.empty() && domain::fold(member.display_name()).find(wanted) == std::string::npos)
        continue;
      *reply.add_members() = std::move(member);
      if (static_cast<std::size_t>(reply.members_size()) == page) break;
    }
    if (static_cast<std::size_t>(reply.members_size()) == page) {
      if (!view.members_of(request.club_id(), after, 1).empty()) reply.set_next(after);
      return reply;
    }
    if (rows.size() < page) return reply;
  }
}

Result<v1::LookUpNamesReply> names(const View& view, const Caller& caller,
                                   const v1::LookUpNames& request) {
  auto allowed =
      domain::may(actor_in(view, caller, request.club_id()), domain::Action::list_members);
  if (!allowed) return std::unexpected(allowed.error());
  if (!view.club(request.club_id())) return domain::not_found();
  const auto asked = static_cast<uint32_t>(request.account_ids_size());
  if (asked > limits::members_page) {
    return domain::too_large("account_ids", limits::members_page, asked);
  }
  v1::LookUpNamesReply reply;
  auto add = [&reply](uint64_t account_id, const std::string& display_name) {
    auto& name = *reply.add_names();
    name.set_account_id(account_id);
    name.set_display_name(display_name);
  };
  for (uint64_t id : request.account_ids()) {
    // Somebody who was let in at some time may have spoken; who only knocked is the committee's business, also when they were
    // banned or withdrew.
    const auto history = view.role_history(request.club_id(), id);
    const bool was_in = std::ranges::any_of(history, [](const View::RoleSince& since) {
      return domain::has(domain::readers, since.row.status());
    });
    if (auto member = view.member(request.club_id(), id); member && was_in) {
      add(id, member->display_name());
    } else if (auto account = view.account(id);
               account && domain::is_site_staff(account->site_role())) {
      add(id, account->display_name());
    }
  }
  return reply;
}

Result<v1::ListInvitationsReply> invitations(const View& view, const Caller& caller,
                                             const v1::ListInvitations& request) {
  const bool site = request.club_id() == 0;
  auto allowed = site ? domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                                    domain::Action::invite_to_site)
                      : domain::may(actor_in(view, caller, request.club_id()),
                                    domain::Action::list_invitations);
  if (!allowed) return std::unexpected(allowed.error());
  if (!site && !view.club(request.club_id())) return domain::not_found();
  v1::ListInvitationsReply reply;
  auto stream = site ? storage::PartitionId::site() : storage::PartitionId::club(request.club_id());
  for (auto& row : view.invitations_of(stream))
    *reply.add_invitations() = std::move(*row.mutable_invitation());
  return reply;
}

Result<v1::GetTrustReply> trust(const View& view, const Caller& caller, const v1::GetTrust& request,
                                const TrustMeasure& measure) {
  const uint64_t account = request.account_id() != 0 ? request.account_id() : caller.account_id;
  const bool own = account == caller.account_id;
  auto actor = actor_in(view, caller, request.club_id());
  const auto action = own ? domain::Action::read_club : domain::Action::review_held;
  if (auto allowed = domain::may(actor, action); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (!view.club(request.club_id())) return domain::not_found();
  if (!own) {
    const auto member = view.member(request.club_id(), account);
    const auto about = view.account(account);
    if (!member || !about) return domain::not_found();
    actor = {.account_id = account,
             .site_role = about->site_role(),
             .role = member->role(),
             .status = member->status()};
  }
  const auto row = view.standing(request.club_id(), account);
  const auto known = domain::antispam::trust_of({.accepted = row.accepted(),
                                                 .rejected = row.rejected(),
                                                 .vouched_by = row.vouched_by(),
                                                 .since_ms = row.since_ms()},
                                                actor, measure.now_ms, measure.newcomer_hours);
  v1::GetTrustReply reply;
  reply.set_level(known.level);
  reply.set_accepted(row.accepted());
  reply.set_rejected(row.rejected());
  reply.set_vouched_by(row.vouched_by());
  reply.set_since_ms(row.since_ms());
  reply.set_by_role(known.by_role);
  reply.set_text_fr(domain::antispam::explain(known, v1::LANGUAGE_FR));
  reply.set_text_en(domain::antispam::explain(known, v1::LANGUAGE_EN));
  return reply;
}

Result<v1::ListClubsReply> clubs(const View& view, const Caller& caller, const v1::ListClubs&) {
  v1::ListClubsReply reply;
  const bool all = domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                               domain::Action::list_all_clubs)
                       .has_value();
  auto list = [&](v1::Club club, const v1::Member* member) {
    auto* listed = reply.add_clubs();
    *listed->mutable_club() = std::move(club);
    if (member) {
      listed->set_role(member->role());
      listed->set_status(member->status());
    }
  };
  if (all) {
    for (auto& club : view.clubs()) {
      auto member = view.member(club.club_id(), caller.account_id);
      list(std::move(club), member ? &*member : nullptr);
    }
    return reply;
  }
  for (auto& membership : view.memberships_of(caller.account_id)) {
    // To whom it refused, removed or banned, the club no longer exists.
    if (!domain::has(domain::insiders, membership.member.status())) continue;
    if (auto club = view.club(membership.club_id)) list(std::move(*club), &membership.member);
  }
  return reply;
}

v1::Direct direct_for(const View& view, const store::DirectRow& row, uint64_t account) {
  domain::DirectState state(row.direct_id());
  state.load(row);
  v1::Direct direct;
  direct.set_direct_id(row.direct_id());
  direct.set_other(state.other_side(account));
  if (auto other = view.account(direct.other())) direct.set_other_name(other->display_name());
  direct.set_status(state.status_for(account));
  direct.set_requested_by(row.requested_by());
  direct.set_introduction(row.introduction());
  direct.set_head_number(row.head_number());
  direct.set_blocked_by_me(state.is_blocked_by(account));
  return direct;
}

Result<v1::ListDirectsReply> directs(const View& view, const Caller& caller,
                                     const v1::ListDirects&) {
  v1::ListDirectsReply reply;
  for (const auto& row : view.directs_of(caller.account_id)) {
    // A row that only holds a block is the blocker's alone.
    if (row.status() == v1::DIRECT_STATUS_UNSPECIFIED &&
        std::ranges::find(row.blocked_by(), caller.account_id) == row.blocked_by().end()) {
      continue;
    }
    *reply.add_directs() = direct_for(view, row, caller.account_id);
  }
  return reply;
}

Result<v1::ListTokensReply> tokens(const View& view, const Caller& caller, const v1::ListTokens&) {
  v1::ListTokensReply reply;
  for (const auto& row : view.tokens_of(caller.account_id)) {
    auto* device = reply.add_devices();
    device->set_token_id(row.token_id());
    device->set_name(row.device_name());
    device->set_created_ms(row.created_ms());
    device->set_current(row.token_id() == caller.token_id);
  }
  return reply;
}

Result<v1::FindAccountReply> find_account(const View& view, const Caller& caller,
                                          const v1::FindAccount& request) {
  auto allowed = domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                             domain::Action::find_account);
  if (!allowed) return std::unexpected(allowed.error());
  auto id = view.account_id_by_login(request.login());
  auto row = id ? view.account(*id) : std::nullopt;
  if (!row) return domain::not_found();
  v1::FindAccountReply reply;
  reply.set_account_id(*id);
  reply.set_display_name(row->display_name());
  return reply;
}

}  // namespace amicale::queries
