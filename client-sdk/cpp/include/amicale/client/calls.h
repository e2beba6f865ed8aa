// SPDX-License-Identifier: Apache-2.0
//
// The table of calls: which request goes into which field of a ClientFrame, and which reply comes
// back. A test walks the protocol's descriptors, so that a request added there can't be forgotten
// here.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "amicale/v1/frame.pb.h"

namespace amicale::client {

// The calls that an application makes. Hello, Authenticate, Subscribe, Unsubscribe and Heartbeat
// are SessionCore's own. clang-format off
#define AMICALE_CLIENT_CALLS(X)                 \
  X(Login, login)                               \
  X(LookUpInvitation, look_up_invitation)       \
  X(Register, register_)                        \
  X(AcceptInvitation, accept_invitation)        \
  X(ChangePassword, change_password)            \
  X(ChangeProfile, change_profile)              \
  X(ListTokens, list_tokens)                    \
  X(RevokeToken, revoke_token)                  \
  X(Logout, logout)                             \
  X(MarkRead, mark_read)                        \
  X(SetLevel, set_level)                        \
  X(ListClubs, list_clubs)                      \
  X(ListDirects, list_directs)                  \
  X(CreateClub, create_club)                    \
  X(ChangeClub, change_club)                    \
  X(CreateRoom, create_room)                    \
  X(ChangeRoom, change_room)                    \
  X(CreateInvitation, create_invitation)        \
  X(RevokeInvitation, revoke_invitation)        \
  X(ListInvitations, list_invitations)          \
  X(AddMember, add_member)                      \
  X(SetRole, set_role)                          \
  X(SetMemberStatus, set_member_status)         \
  X(ListMembers, list_members)                  \
  X(LookUpNames, look_up_names)                 \
  X(SetSiteRole, set_site_role)                 \
  X(PostMessage, post_message)                  \
  X(EditMessage, edit_message)                  \
  X(DeleteMessage, delete_message)              \
  X(React, react)                               \
  X(PinMessage, pin_message)                    \
  X(GetHistory, get_history)                    \
  X(CountMentions, count_mentions)              \
  X(ImportMessages, import_messages)            \
  X(ReviewHeld, review_held)                    \
  X(ListHeld, list_held)                        \
  X(GetTrust, get_trust)                        \
  X(OpenDirect, open_direct)                    \
  X(AnswerDirect, answer_direct)                \
  X(BlockDirect, block_direct)                  \
  X(SetTyping, set_typing)                      \
  X(CreateBackup, create_backup)                \
  X(GetStats, get_stats)                        \
  X(FindAccount, find_account)                  \
  X(ImposeSanction, impose_sanction)            \
  X(LiftSanction, lift_sanction)                \
  X(ListSanctions, list_sanctions)              \
  X(ListOwnSanctions, list_own_sanctions)       \
  X(RestoreMessage, restore_message)            \
  X(LockMessage, lock_message)                  \
  X(FindMessages, find_messages)                \
  X(RemoveMessages, remove_messages)            \
  X(UndoRemoval, undo_removal)                  \
  X(ListRemovals, list_removals)                \
  X(FileReport, file_report)                    \
  X(ListReports, list_reports)                  \
  X(ClaimReport, claim_report)                  \
  X(ResolveReport, resolve_report)              \
  X(AppealSanction, appeal_sanction)            \
  X(AppealSiteBan, appeal_site_ban)             \
  X(AnswerAppeal, answer_appeal)                \
  X(DecideAppeal, decide_appeal)                \
  X(ListAppeals, list_appeals)                  \
  X(ListProposals, list_proposals)              \
  X(DecideProposal, decide_proposal)            \
  X(WithdrawProposal, withdraw_proposal)        \
  X(ProposeCharter, propose_charter)            \
  X(GetCharter, get_charter)                    \
  X(AcceptCharter, accept_charter)              \
  X(SuggestSanction, suggest_sanction)          \
  X(StartRaidMode, start_raid_mode)             \
  X(EndRaidMode, end_raid_mode)                 \
  X(GetAuditProof, get_audit_proof)             \
  X(GetAuditConsistency, get_audit_consistency) \
  X(GetAuditKeys, get_audit_keys)
// clang-format on

template <class Request>
struct Call;  // Reply: its type; wrap(Request) -> v1::ClientFrame; unwrap(v1::Reply&&) -> Reply

#define AMICALE_CLIENT_CALL(Type, field)                                                   \
  template <>                                                                              \
  struct Call<v1::Type> {                                                                  \
    using Reply = std::remove_cvref_t<decltype(std::declval<const v1::Reply&>().field())>; \
    static v1::ClientFrame wrap(v1::Type request) {                                        \
      v1::ClientFrame frame;                                                               \
      *frame.mutable_##field() = std::move(request);                                       \
      return frame;                                                                        \
    }                                                                                      \
    static Reply unwrap(v1::Reply&& reply) { return std::move(*reply.mutable_##field()); } \
  };
AMICALE_CLIENT_CALLS(AMICALE_CLIENT_CALL)
#undef AMICALE_CLIENT_CALL

// One of the request messages of AMICALE_CLIENT_CALLS, e.g. v1::ListClubs, whose ReplyTo is
// v1::ListClubsReply.
template <class T>
concept Request = requires { typename Call<T>::Reply; };

template <Request T>
using ReplyTo = typename Call<T>::Reply;

}  // namespace amicale::client
