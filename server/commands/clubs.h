// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands on clubs, rooms, memberships and the site. The request outlives the call.
#pragma once

#include "amicale/v1/club.pb.h"
#include "server/commands/gate.h"

namespace amicale::commands {

// Makes the site and its first owner, once. For the operator's console on a data folder that no server has open.
struct NewSite {
  std::string name;
  std::string owner_login;
  std::string owner_name;
  std::string owner_password;
};
Answer<uint64_t> create_site(Gate& gate, NewSite site);

Answer<v1::Committed> create_club(Gate& gate, Caller caller, const v1::CreateClub& request);
Answer<v1::Committed> change_club(Gate& gate, Caller caller, const v1::ChangeClub& request);
Answer<v1::Committed> create_room(Gate& gate, Caller caller, const v1::CreateRoom& request);
Answer<v1::Committed> change_room(Gate& gate, Caller caller, const v1::ChangeRoom& request);
Answer<v1::CreateInvitationReply> create_invitation(Gate& gate, Caller caller,
                                                    const v1::CreateInvitation& request);
Answer<v1::Committed> revoke_invitation(Gate& gate, Caller caller,
                                        const v1::RevokeInvitation& request);
Answer<v1::AddMemberReply> add_member(Gate& gate, Caller caller, const v1::AddMember& request);
Answer<v1::Committed> set_role(Gate& gate, Caller caller, const v1::SetRole& request);
Answer<v1::Committed> set_member_status(Gate& gate, Caller caller,
                                        const v1::SetMemberStatus& request);
Answer<v1::Committed> set_site_role(Gate& gate, Caller caller, const v1::SetSiteRole& request);

}  // namespace amicale::commands
