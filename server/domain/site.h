// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of the site's own log: which clubs and accounts exist, and who runs the site.
#pragma once

#include <cstdint>
#include <string_view>

#include "amicale/v1/club.pb.h"
#include "server/domain/decision.h"
#include "server/domain/membership.h"
#include "server/domain/state.h"

namespace amicale::domain {

// Empty when it is created already.
Result<Decision> create_site(const SiteState& site, std::string_view name, const Actor& actor);

struct SlugFacts {
  bool taken = false;
};

// object_id: the club's id. Its own log then begins with create_club (club.h).
Result<Decision> register_club(const SiteState& site, const SlugFacts& facts,
                               const v1::CreateClub& request, const Actor& actor);

struct NewAccount {
  std::string_view login{};
  std::string_view display_name{};
  std::string_view external_id{};  // the alumni database's key, kept private; may be empty
  bool login_taken = false;
};

// object_id: the account's id. Who may is decided by what brought them: an invitation, add_member,
// the console.
Result<Decision> register_account(const SiteState& site, const NewAccount& fresh);

// `account_id`: of the request's login, 0 = there is none. The last owner stays one.
Result<Decision> set_site_role(const SiteState& site, std::uint64_t account_id,
                               const v1::SetSiteRole& request, const Actor& actor);

// Invitations to the site alone (club 0), by site staff. The role in the request is not read.
Result<Decision> create_site_invitation(const SiteState& site, const NewInvitation& fresh,
                                        const v1::CreateInvitation& request, const Actor& actor,
                                        std::int64_t now_ms);
Result<Decision> revoke_site_invitation(const v1::Invitation* invitation, const Actor& actor);
Result<Decision> use_site_invitation(const store::InvitationRow* row, std::uint64_t account_id,
                                     std::int64_t now_ms);

}  // namespace amicale::domain
