// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What can be asked without changing anything. Every answer is read from one snapshot, on a blocking thread (a page of history
// where it was asked for, when it is in memory), by the same permission table as commands.
#pragma once

#include "amicale/v1/account.pb.h"
#include "amicale/v1/admin.pb.h"
#include "amicale/v1/audit.pb.h"
#include "amicale/v1/club.pb.h"
#include "amicale/v1/message.pb.h"
#include "amicale/v1/moderation.pb.h"
#include "server/auth/caller.h"
#include "server/domain/refusal.h"
#include "storage/database.h"
#include "storage/signing_key.h"
#include "storage/view.h"

namespace amicale::queries {

using auth::Caller;
using domain::Result;
using storage::View;

// A v1::GetHistoryReply, serialised: its messages go out as they lie in the database, neither parsed nor made again.
Result<std::string> history(const View& view, const Caller& caller, const v1::GetHistory& request);
Result<v1::CountMentionsReply> count_mentions(const View& view, const Caller& caller,
                                              const v1::CountMentions& request);
Result<v1::ListMembersReply> members(const View& view, const Caller& caller,
                                     const v1::ListMembers& request);
Result<v1::LookUpNamesReply> names(const View& view, const Caller& caller,
                                   const v1::LookUpNames& request);
Result<v1::ListInvitationsReply> invitations(const View& view, const Caller& caller,
                                             const v1::ListInvitations& request);
Result<v1::ListHeldReply> held(const View& view, const Caller& caller, const v1::ListHeld& request);
// What a level is judged by beside the rows: the hours that a newcomer is one, and the time.
struct TrustMeasure {
  uint32_t newcomer_hours;
  int64_t now_ms;
};
Result<v1::GetTrustReply> trust(const View& view, const Caller& caller, const v1::GetTrust& request,
                                const TrustMeasure& measure);
Result<v1::ListClubsReply> clubs(const View& view, const Caller& caller,
                                 const v1::ListClubs& request);
Result<v1::ListDirectsReply> directs(const View& view, const Caller& caller,
                                     const v1::ListDirects& request);
Result<v1::ListTokensReply> tokens(const View& view, const Caller& caller,
                                   const v1::ListTokens& request);
Result<v1::FindAccountReply> find_account(const View& view, const Caller& caller,
                                          const v1::FindAccount& request);

// What signs the heads of the provable log.
struct AuditSigner {
  const storage::SigningKey& key;
  uint64_t epoch;
};
Result<v1::GetAuditProofReply> audit_proof(const View& view, const Caller& caller,
                                           const v1::GetAuditProof& request,
                                           const AuditSigner& signer);
Result<v1::GetAuditConsistencyReply> audit_consistency(const View& view, const Caller& caller,
                                                       const v1::GetAuditConsistency& request);
// The signed head of now; nothing when the stream has no record. Cheap enough for a shard: a few point reads, one signature.
std::optional<v1::AuditHead> audit_head(const View& view, storage::PartitionId stream,
                                        const AuditSigner& signer);
Result<v1::ListSanctionsReply> sanctions(const View& view, const Caller& caller,
                                         const v1::ListSanctions& request);
Result<v1::ListOwnSanctionsReply> own_sanctions(const View& view, const Caller& caller,
                                                const v1::ListOwnSanctions& request);

Result<v1::FindMessagesReply> messages_of(const View& view, const Caller& caller,
                                          const v1::FindMessages& request);
Result<v1::ListReportsReply> reports(const View& view, const Caller& caller,
                                     const v1::ListReports& request);
Result<v1::ListAppealsReply> appeals(const View& view, const Caller& caller,
                                     const v1::ListAppeals& request);
Result<v1::ListProposalsReply> proposals(const View& view, const Caller& caller,
                                         const v1::ListProposals& request);
Result<v1::GetCharterReply> charter(const View& view, const Caller& caller,
                                    const v1::GetCharter& request);
Result<v1::SuggestSanctionReply> suggestion(const View& view, const Caller& caller,
                                            const v1::SuggestSanction& request);
Result<v1::ListRemovalsReply> removals(const View& view, const Caller& caller,
                                       const v1::ListRemovals& request);

// A stream's state at one seq, for Subscribe without a cursor. NOT_FOUND when the caller may not read it.
Result<v1::Snapshot> snapshot(const View& view, const Caller& caller, storage::PartitionId stream);

// Whether the caller may follow a stream, and by which role (UNSPECIFIED for streams that are not a club's). As `snapshot`.
Result<v1::ClubRole> follow_role(const View& view, const Caller& caller,
                                 storage::PartitionId stream);

// What one side sees of a direct conversation: who blocks is not told to the other.
v1::Direct direct_for(const View& view, const store::DirectRow& row, uint64_t account);

}  // namespace amicale::queries
