// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/site.h"

#include <string>
#include <utility>

#include "server/domain/club.h"
#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

std::unexpected<Refusal> full(std::uint64_t limit) {
  return std::unexpected(
      Refusal{.code = v1::REFUSAL_CODE_CAPACITY, .limit = limit, .actual = limit});
}

}  // namespace

Result<Decision> create_site(const SiteState& site, std::string_view name, const Actor& actor) {
  if (actor.site_role != v1::SITE_ROLE_OWNER) return refuse(v1::REFUSAL_CODE_FORBIDDEN);
  Result<std::string> normal = check_name(name, "name", limits::club_name_characters);
  if (!normal) return std::unexpected(normal.error());
  Decision decision{.object_id = 1};
  if (site.created()) return decision;
  decision.add(stream_followers).event.mutable_site_created()->set_name(*std::move(normal));
  return decision;
}

Result<Decision> register_club(const SiteState& site, const SlugFacts& facts,
                               const v1::CreateClub& request, const Actor& actor) {
  if (auto allowed = may(actor, Action::create_club); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_create_club(request); !checked) return std::unexpected(checked.error());
  if (facts.taken) return refuse(v1::REFUSAL_CODE_CONFLICT, "club.slug_taken");
  if (site.last_club_id() >= limits::clubs_per_site) return full(limits::clubs_per_site);
  Result<std::string> name = check_name(request.name(), "name", limits::club_name_characters);
  if (!name) return std::unexpected(name.error());

  Decision decision{.object_id = site.last_club_id() + 1};
  v1::ClubRegistered& registered = *decision.add(stream_followers).event.mutable_club_registered();
  registered.set_club_id(decision.object_id);
  registered.set_slug(request.slug());
  registered.set_name(*std::move(name));
  registered.set_kind(request.kind());
  return decision;
}

Result<Decision> register_account(const SiteState& site, const NewAccount& fresh) {
  if (auto checked = check_login(fresh.login); !checked) return std::unexpected(checked.error());
  Result<std::string> name =
      check_name(fresh.display_name, "display_name", limits::name_characters);
  if (!name) return std::unexpected(name.error());
  if (auto checked = check_paragraph(fresh.external_id, "external_id", limits::external_id_bytes);
      !checked) {
    return std::unexpected(checked.error());
  }
  if (fresh.login_taken) return refuse(v1::REFUSAL_CODE_CONFLICT, "account.login_taken");
  if (site.last_account_id() >= limits::accounts_per_site) return full(limits::accounts_per_site);

  Decision decision{.object_id = site.last_account_id() + 1};
  Decided& decided = decision.add(stream_followers);
  v1::AccountRegistered& registered = *decided.event.mutable_account_registered();
  registered.set_account_id(decision.object_id);
  registered.set_login(std::string(fresh.login));
  registered.set_display_name(*std::move(name));
  decided.private_part.set_external_id(std::string(fresh.external_id));
  return decision;
}

Result<Decision> set_site_role(const SiteState& site, std::uint64_t account_id,
                               const v1::SetSiteRole& request, const Actor& actor) {
  if (auto allowed = may(actor, Action::set_site_role); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (request.role() == v1::SITE_ROLE_UNSPECIFIED || !v1::SiteRole_IsValid(request.role())) {
    return bad_request("role");
  }
  if (account_id == 0) return not_found();

  Decision decision{.object_id = account_id};
  const v1::SiteRole before = site.role_of(account_id);
  if (before == request.role()) return decision;
  if (before == v1::SITE_ROLE_OWNER && site.owners() == 1) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "site.last_owner");
  }
  if (before == v1::SITE_ROLE_NONE && site.staff().size() >= limits::site_staff) {
    return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_CONFLICT,
                                   .rule_id = "site.staff_full",
                                   .limit = limits::site_staff,
                                   .actual = site.staff().size()});
  }
  v1::SiteRoleChanged& changed = *decision.add(stream_followers).event.mutable_site_role_changed();
  changed.set_account_id(account_id);
  changed.set_role(request.role());
  return decision;
}

Result<Decision> create_site_invitation(const SiteState& site, const NewInvitation& fresh,
                                        const v1::CreateInvitation& request, const Actor& actor,
                                        std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::invite_to_site); !allowed) {
    return std::unexpected(allowed.error());
  }
  v1::Invitation invitation;
  if (auto filled = fill_invitation(request, actor, now_ms, invitation); !filled) {
    return std::unexpected(filled.error());
  }
  invitation.set_invitation_id(site.last_invitation_id() + 1);
  invitation.set_needs_decision(false);

  Decision decision{.object_id = invitation.invitation_id()};
  add_invitation(decision, stream_followers, 0, fresh, std::move(invitation));
  return decision;
}

Result<Decision> revoke_site_invitation(const v1::Invitation* invitation, const Actor& actor) {
  if (auto allowed = may(actor, Action::invite_to_site); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (invitation == nullptr) return not_found();
  Decision decision{.object_id = invitation->invitation_id()};
  if (invitation->revoked()) return decision;
  decision.add(stream_followers)
      .event.mutable_invitation_revoked()
      ->set_invitation_id(invitation->invitation_id());
  return decision;
}

Result<Decision> use_site_invitation(const store::InvitationRow* row, std::uint64_t account_id,
                                     std::int64_t now_ms) {
  if (auto checked = check_invitation(row, account_id, now_ms); !checked) {
    return std::unexpected(checked.error());
  }
  Decision decision;
  v1::InvitationUsed& used = *decision.add(stream_followers).event.mutable_invitation_used();
  used.set_invitation_id(row->invitation().invitation_id());
  used.set_account_id(account_id);
  return decision;
}

}  // namespace amicale::domain
