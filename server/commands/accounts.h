// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands on accounts, and the ways in: logging in, registering from an invitation, devices. The request outlives the call.
#pragma once

#include "amicale/v1/account.pb.h"
#include "server/commands/gate.h"

namespace amicale::commands {

// The account whose login name and password these are. Counted by the throttle, and as long for a name that does not exist.
Answer<uint64_t> prove_account(Gate& gate, Caller caller, std::string login, std::string password);

Answer<v1::LoginReply> login(Gate& gate, Caller caller, const v1::Login& request);
Answer<v1::RegisterReply> register_account(Gate& gate, Caller caller, const v1::Register& request);
Answer<v1::AcceptInvitationReply> accept_invitation(Gate& gate, Caller caller,
                                                    const v1::AcceptInvitation& request);
Answer<v1::Committed> change_password(Gate& gate, Caller caller, const v1::ChangePassword& request);
Answer<v1::Committed> change_profile(Gate& gate, Caller caller, const v1::ChangeProfile& request);
Answer<v1::Committed> revoke_token(Gate& gate, Caller caller, const v1::RevokeToken& request);
Answer<v1::LogoutReply> logout(Gate& gate, Caller caller, const v1::Logout& request);
Answer<v1::Committed> mark_read(Gate& gate, Caller caller, const v1::MarkRead& request);
Answer<v1::Committed> set_level(Gate& gate, Caller caller, const v1::SetLevel& request);

// Tells an account, on its own stream, where its membership of a club stands now.
Answer<log::Outcome> notice_membership(Gate& gate, Caller caller, v1::ClientFrame::BodyCase kind,
                                       std::string client_msg_id, uint64_t club, uint64_t account);

// Opens an account's own log, if that is not done yet.
struct Opening {
  std::string login;
  std::string display_name;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
};
Answer<log::Outcome> open_account(Gate& gate, uint64_t account, Opening opening,
                                  v1::ClientFrame::BodyCase kind, std::string client_msg_id);

}  // namespace amicale::commands
