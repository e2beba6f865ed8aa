// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/clubs.h"

#include "server/auth/token.h"
#include "server/commands/accounts.h"
#include "server/commands/on_behalf.h"
#include "server/domain/account.h"
#include "server/domain/club.h"
#include "server/domain/membership.h"
#include "server/domain/permissions.h"
#include "server/domain/site.h"
#include "server/domain/text.h"
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

// A command on one club whose rule needs nothing but the club's state.
template <class Request, class Rule>
Answer<v1::Committed> commit_on_club(Gate& gate, Caller caller, v1::ClientFrame::BodyCase kind,
                                     const Request& request, Rule rule) {
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller, rule](const Deciding& now) -> Result<Decision> {
    return rule(now.club(), request, actor(now, caller));
  };
  co_return committed_of(co_await commit(gate, caller, PartitionId::club(request.club_id()), kind,
                                         request.client_msg_id(), std::move(decide)));
}

const v1::Member* pointer(const std::optional<v1::Member>& member) {
  return member ? &*member : nullptr;
}

std::optional<v1::Member> president_row(const Deciding& now) {
  const auto& club = now.club();
  if (club.president() == 0) return std::nullopt;
  return now.facts.member(club.id(), club.president());
}

}  // namespace

Answer<v1::Committed> create_club(Gate& gate, Caller caller, const v1::CreateClub& request) {
  constexpr auto kind = v1::ClientFrame::kCreateClub;
  auto site_actor = domain::actor_on_site(caller.account_id, caller.site_role);
  Decide registering = [&request, site_actor](const Deciding& now) {
    domain::SlugFacts facts{.taken = now.facts.club_id_by_slug(request.slug()).has_value()};
    return domain::register_club(now.site(), facts, request, site_actor);
  };
  auto registered = co_await commit(gate, caller, PartitionId::site(), kind,
                                    request.client_msg_id(), std::move(registering));
  if (!registered) co_return std::unexpected(registered.error());
  const uint64_t club = registered->committed.object_id();
  Decide creating = [&request, site_actor](const Deciding& now) {
    return domain::create_club(now.club(), request, site_actor, now.now_ms);
  };
  auto created = co_await commit_step(gate, caller.account_id, PartitionId::club(club), kind,
                                      request.client_msg_id(), "club", std::move(creating));
  if (!created) co_return std::unexpected(created.error());
  co_return std::move(registered->committed);
}

Answer<v1::Committed> change_club(Gate& gate, Caller caller, const v1::ChangeClub& request) {
  return commit_on_club(gate, std::move(caller), v1::ClientFrame::kChangeClub, request,
                        &domain::change_club);
}

Answer<v1::Committed> create_room(Gate& gate, Caller caller, const v1::CreateRoom& request) {
  return commit_on_club(gate, std::move(caller), v1::ClientFrame::kCreateRoom, request,
                        &domain::create_room);
}

Answer<v1::Committed> change_room(Gate& gate, Caller caller, const v1::ChangeRoom& request) {
  auto rule = [](const domain::ClubState& club, const v1::ChangeRoom& asked,
                 const domain::Actor& actor) {
    return decide_for(club, asked, actor, [&](const domain::Actor& who) {
      return domain::change_room(club, asked, who);
    });
  };
  return commit_on_club(gate, std::move(caller), v1::ClientFrame::kChangeRoom, request, rule);
}

Answer<v1::CreateInvitationReply> create_invitation(Gate& gate, Caller caller,
                                                    const v1::CreateInvitation& request) {
  const std::string code = auth::make_invitation_code();
  const std::string hash = auth::digest(code);
  const bool for_site = request.club_id() == 0;
  Decide decide = [&request, caller, hash, for_site](const Deciding& now) {
    domain::NewInvitation fresh{.code_hash = hash};
    if (for_site) {
      return domain::create_site_invitation(
          now.site(), fresh, request, domain::actor_on_site(caller.account_id, caller.site_role),
          now.now_ms);
    }
    return domain::create_invitation(now.club(), fresh, request, actor(now, caller), now.now_ms);
  };
  auto where = for_site ? PartitionId::site() : PartitionId::club(request.club_id());
  auto outcome = co_await commit(gate, caller, where, v1::ClientFrame::kCreateInvitation,
                                 request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  v1::CreateInvitationReply reply;
  if (!outcome->committed.repeated()) {
    reply.set_code(code);
    reply.set_url(gate.public_url + "/i/" + code);
  }
  if (auto row = gate.view().invitation(where, outcome->committed.object_id())) {
    *reply.mutable_invitation() = std::move(*row->mutable_invitation());
  }
  co_return reply;
}

Answer<v1::Committed> revoke_invitation(Gate& gate, Caller caller,
                                        const v1::RevokeInvitation& request) {
  const bool for_site = request.club_id() == 0;
  auto where = for_site ? PartitionId::site() : PartitionId::club(request.club_id());
  Decide decide = [&request, caller, where, for_site](const Deciding& now) {
    auto row = now.facts.invitation(where, request.invitation_id());
    const v1::Invitation* invitation = row ? &row->invitation() : nullptr;
    if (for_site) {
      return domain::revoke_site_invitation(
          invitation, domain::actor_on_site(caller.account_id, caller.site_role));
    }
    return domain::revoke_invitation(now.club(), invitation, actor(now, caller));
  };
  co_return committed_of(co_await commit(gate, caller, where, v1::ClientFrame::kRevokeInvitation,
                                         request.client_msg_id(), std::move(decide)));
}

Answer<v1::AddMemberReply> add_member(Gate& gate, Caller caller, const v1::AddMember& request) {
  constexpr auto kind = v1::ClientFrame::kAddMember;
  if (auto right = domain::check_client_msg_id(request.client_msg_id()); !right) {
    co_return std::unexpected(right.error());
  }
  if (auto right = domain::check_add_member(request); !right)
    co_return std::unexpected(right.error());
  // The rule says no again, at commit; here it keeps strangers from making accounts.
  if (!gate.view().club(request.club_id())) co_return domain::not_found();
  auto allowed = domain::may(queries::actor_in(gate.view(), caller, request.club_id()),
                             domain::Action::add_member);
  if (!allowed) co_return std::unexpected(allowed.error());

  v1::AddMemberReply reply;
  auto known = gate.view().account_id_by_login(request.login());
  uint64_t account = known.value_or(0);
  reply.set_account_created(!known);
  if (!known && !request.dry_run()) {
    Decide registering = [&request](const Deciding& now) {
      domain::NewAccount fresh{
          .login = request.login(),
          .display_name = request.display_name(),
          .external_id = request.external_id(),
          .login_taken = now.facts.account_id_by_login(request.login()).has_value()};
      return domain::register_account(now.site(), fresh);
    };
    auto registered =
        co_await commit_step(gate, caller.account_id, PartitionId::site(), kind,
                             request.client_msg_id(), "account", std::move(registering));
    if (!registered) co_return std::unexpected(registered.error());
    account = registered->committed.object_id();
    auto opened = co_await open_account(
        gate, account, {request.login(), request.display_name(), request.language()}, kind,
        request.client_msg_id());
    if (!opened) co_return std::unexpected(opened.error());
  }
  auto row = gate.view().account(account);
  const std::string name =
      row && !row->display_name().empty() ? row->display_name() : request.display_name();
  // An account that has never had a password is activated by a code.
  const bool activate = !row || row->password_hash().empty();
  const std::string code = activate ? auth::make_invitation_code() : std::string();
  const std::string hash = activate ? auth::digest(code) : std::string();
  bool already = false;
  Decide adding = [&request, &already, caller, account, name,
                   hash](const Deciding& now) -> Result<Decision> {
    auto member = now.facts.member(request.club_id(), account);
    auto president = president_row(now);
    already = member && domain::has(domain::readers, member->status());
    domain::AddedMember added{.account_id = account,
                              .display_name = name,
                              .member = pointer(member),
                              .president = pointer(president),
                              .activation_hash = hash};
    auto decision = domain::add_member(now.club(), added, request, actor(now, caller), now.now_ms);
    if (decision && request.dry_run()) decision->events.clear();
    return decision;
  };
  auto outcome = co_await commit(gate, caller, PartitionId::club(request.club_id()), kind,
                                 request.client_msg_id(), std::move(adding));
  if (!outcome) co_return std::unexpected(outcome.error());
  reply.set_account_id(account);
  reply.set_already_member(already);
  if (request.dry_run()) co_return reply;
  if (activate && !already && !outcome->committed.repeated()) reply.set_activation_code(code);
  auto told = co_await notice_membership(gate, caller, kind, request.client_msg_id(),
                                         request.club_id(), account);
  if (!told) co_return std::unexpected(told.error());
  co_return reply;
}

Answer<v1::Committed> set_role(Gate& gate, Caller caller, const v1::SetRole& request) {
  constexpr auto kind = v1::ClientFrame::kSetRole;
  uint64_t former_president = 0;
  Decide decide = [&request, &former_president, caller](const Deciding& now) {
    auto target = now.facts.member(request.club_id(), request.account_id());
    auto president = president_row(now);
    former_president = now.club().president();
    return domain::set_role(now.club(), {pointer(target), pointer(president)}, request,
                            actor(now, caller));
  };
  auto outcome = co_await commit(gate, caller, PartitionId::club(request.club_id()), kind,
                                 request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  // Whom it was done to: what is repeated may come with other contents, which are nobody's.
  for (uint64_t account : {outcome->committed.object_id(), former_president}) {
    if (account == 0) continue;
    auto told = co_await notice_membership(gate, caller, kind, request.client_msg_id(),
                                           request.club_id(), account);
    if (!told) co_return std::unexpected(told.error());
  }
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> set_member_status(Gate& gate, Caller caller,
                                        const v1::SetMemberStatus& request) {
  constexpr auto kind = v1::ClientFrame::kSetMemberStatus;
  Decide decide = [&request, caller](const Deciding& now) {
    auto target = now.facts.member(request.club_id(), request.account_id());
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::set_member_status(now.club(), pointer(target), request, who, now.now_ms);
    });
  };
  auto outcome = co_await commit(gate, caller, PartitionId::club(request.club_id()), kind,
                                 request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  // Of what waits for a second member, the person hears nothing.
  if (outcome->committed.proposal_id() != 0) co_return std::move(outcome->committed);
  // As in set_role: whom it was done to, not whom a repeat names.
  auto told = co_await notice_membership(gate, caller, kind, request.client_msg_id(),
                                         request.club_id(), outcome->committed.object_id());
  if (!told) co_return std::unexpected(told.error());
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> set_site_role(Gate& gate, Caller caller, const v1::SetSiteRole& request) {
  constexpr auto kind = v1::ClientFrame::kSetSiteRole;
  auto site_actor = domain::actor_on_site(caller.account_id, caller.site_role);
  Decide decide = [&request, site_actor](const Deciding& now) {
    const uint64_t account = now.facts.account_id_by_login(request.login()).value_or(0);
    return domain::set_site_role(now.site(), account, request, site_actor);
  };
  auto outcome = co_await commit(gate, caller, PartitionId::site(), kind, request.client_msg_id(),
                                 std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  // The account takes over what the site decided, also when this repeats a command that was cut short, under whatever contents.
  const uint64_t account = outcome->committed.object_id();
  Decide taking = [account](const Deciding& now) -> Result<Decision> {
    auto row = now.facts.account(account);
    return domain::take_site_role(now.account(), row ? row->site_role() : v1::SITE_ROLE_NONE);
  };
  auto taken = co_await commit_step(gate, caller.account_id, PartitionId::account(account), kind,
                                    request.client_msg_id(), "role", std::move(taking));
  if (!taken) co_return std::unexpected(taken.error());
  co_await gate.settled();
  co_return std::move(outcome->committed);
}

Answer<uint64_t> create_site(Gate& gate, NewSite site) {
  constexpr auto kind = v1::ClientFrame::BODY_NOT_SET;
  if (auto right = domain::check_login(site.owner_login); !right)
    co_return std::unexpected(right.error());
  if (auto right = domain::check_password(site.owner_password); !right)
    co_return std::unexpected(right.error());
  const std::string id = fresh_msg_id();
  Decide creating = [&site](const Deciding& now) {
    return domain::create_site(now.site(), site.name, domain::console);
  };
  auto created =
      co_await commit_step(gate, 0, PartitionId::site(), kind, id, "site", std::move(creating));
  if (!created) co_return std::unexpected(created.error());
  Decide registering = [&site](const Deciding& now) {
    domain::NewAccount fresh{
        .login = site.owner_login,
        .display_name = site.owner_name,
        .external_id = {},
        .login_taken = now.facts.account_id_by_login(site.owner_login).has_value()};
    return domain::register_account(now.site(), fresh);
  };
  auto registered = co_await commit_step(gate, 0, PartitionId::site(), kind, id, "account",
                                         std::move(registering));
  if (!registered) co_return std::unexpected(registered.error());
  const uint64_t account = registered->committed.object_id();
  v1::SetSiteRole role;
  role.set_login(site.owner_login);
  role.set_role(v1::SITE_ROLE_OWNER);
  Decide promoting = [&role, account](const Deciding& now) {
    return domain::set_site_role(now.site(), account, role, domain::console);
  };
  auto promoted =
      co_await commit_step(gate, 0, PartitionId::site(), kind, id, "owner", std::move(promoting));
  if (!promoted) co_return std::unexpected(promoted.error());
  auto opened = co_await open_account(gate, account, {site.owner_login, site.owner_name}, kind, id);
  if (!opened) co_return std::unexpected(opened.error());
  Decide taking = [](const Deciding& now) -> Result<Decision> {
    return domain::take_site_role(now.account(), v1::SITE_ROLE_OWNER);
  };
  auto taken = co_await commit_step(gate, 0, PartitionId::account(account), kind, id, "role",
                                    std::move(taking));
  if (!taken) co_return std::unexpected(taken.error());
  auto hash = co_await gate.passwords.hash(site.owner_password);
  if (!hash) co_return domain::refuse(v1::REFUSAL_CODE_OVERLOADED);
  Decide setting = [hash = *hash](const Deciding& now) -> Result<Decision> {
    return domain::set_password(now.account(), hash, 0);
  };
  auto set = co_await commit_step(gate, 0, PartitionId::account(account), kind, id, "password",
                                  std::move(setting));
  if (!set) co_return std::unexpected(set.error());
  co_return account;
}

}  // namespace amicale::commands
