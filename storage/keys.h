// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Every key of the database. Integers are big-endian, so that byte order is numeric order and one
// partition's, room's or account's rows lie side by side.
//
//   partition := kind:u8 id:u64                kind is v1.StreamKind, 1 to 4
//
// Family `default` (facts about the folder itself; not derived from any log)
//   "format"                                   u32, the format version
//   "epoch"                                    u64
//   "commit"                                   commit:u64 hash:32, the newest commit
//   "commit/" slot:u16                         the same for each recent commit; slot is commit mod 8192
//   "rebuild"                                  present while derived rows are being rebuilt
//
// Family `log` (the truth)
//   partition seq:u64                          entry (entry.h)
//
// Family `state` (derived)
//   'S'                                        store.SiteRow
//   'A' account:u64                            store.AccountRow, what the site's log says of it
//   'B' account:u64                            store.AccountRow, what the account's own log says
//   'L' login:bytes                            account:u64
//   'U' slug:bytes                             club:u64
//   'C' club:u64                               v1.Club
//   'R' club:u64 room:u64                      v1.Room
//   'M' club:u64 account:u64                   v1.Member
//   'H' club:u64 account:u64 ~seq:u64          store.RoleRow; newest first
//   'N' account:u64 club:u64                   empty: the account has a v1.Member row there
//   'I' partition invitation:u64               store.InvitationRow
//   'J' code hash:32                           partition invitation:u64
//   'D' direct:u64                             store.DirectRow
//   'E' account:u64 direct:u64                 empty: the account is a side of it
//   'K' account:u64 partition room:u64         v1.ReadMark
//   'V' account:u64 partition room:u64         v1.RoomLevel
//   'P' partition                              store.HeadRow
//   't' partition                              store.AuditTreeRow
//   'a' partition number:u64                   v1.AuditRecord
//   'm' partition level:u8 index:u64           hash:32, a full subtree of the provable log (audit.h)
//   's' partition account:u64 number:u64       empty: the record is about the account
//   'F' partition sanction:u64                 store.SanctionRow; a club's, or the site's on an account
//   'O' account:u64 partition sanction:u64     empty: whose each is
//   'W' partition sanction:u64                 empty: no event has ended it
//   'Q' partition report:u64                   store.ReportRow
//   'G' partition account:u64 room:u64 number:u64  report:u64; the open one about that message, or (0 0) that person
//   'Y' account:u64 partition report:u64       empty: who took part in an open one
//   'Z' due_ms:u64 partition report:u64        empty: the open ones, by when site staff see them
//   'c' partition sanction:u64                 empty: an appeal of it is open
//   'd' due_ms:u64 partition sanction:u64      empty: the same, by when site staff see it (0: at once)
//   'k' partition version:u64                  v1.Charter
//   'p' partition proposal:u64                 store.ProposalRow
//   'e' partition proposal:u64                 empty: no event has closed it
//   'T' partition removal:u64                  v1.Removal
//   'X' until_ms:u64 partition sanction:u64    account:u64; the same, of clubs, by when it is over
//   'h' club:u64 held:u64                      v1.HeldMessage
//   'g' club:u64 account:u64                   store.StandingRow
//   'r' club:u64                               v1.RaidMode, the last one
//   'w' until_ms:u64 club:u64 room:u64         empty: it lasts (room 0), or a room is slow by itself; by when that is over
//
// Family `messages` (derived)
//   partition room:u64 number:u64              v1.Message
//
// Family `idempotency` (derived)
//   partition actor:u64 client_msg_id:16       store.IdempotencyRow
//
// Family `tokens` (derived)
//   'T' token hash:32                          store.TokenRow
//   'Y' account:u64 token:u64                  token hash:32
//
// Every derived row is written by the log of exactly one partition, so that partitions may commit
// side by side and be replayed in any order. That is why an account has the two rows A and B.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/partition.h"

namespace amicale::storage {

// Column families, in the order in which they are opened.
enum class Family : uint8_t { meta, log, state, messages, idempotency, tokens };
inline constexpr size_t kFamilies = 6;
std::string_view name_of(Family family);

namespace key {

std::string log_entry(PartitionId partition, uint64_t seq);
std::string log_prefix(PartitionId partition);

std::string site();
std::string account_by_site(uint64_t account_id);
std::string account_by_self(uint64_t account_id);
std::string login(std::string_view login);
std::string slug(std::string_view slug);
std::string club(uint64_t club_id);
std::string room(uint64_t club_id, uint64_t room_id);
std::string rooms_prefix(uint64_t club_id);
std::string member(uint64_t club_id, uint64_t account_id);
std::string members_prefix(uint64_t club_id);
std::string role(uint64_t club_id, uint64_t account_id, uint64_t seq);
std::string roles_prefix(uint64_t club_id, uint64_t account_id);
std::string membership(uint64_t account_id, uint64_t club_id);
std::string memberships_prefix(uint64_t account_id);
std::string invitation(PartitionId partition, uint64_t invitation_id);
std::string invitations_prefix(PartitionId partition);
std::string invitation_hash(std::string_view code_hash);
std::string held(uint64_t club_id, uint64_t held_id);
std::string held_prefix(uint64_t club_id);
std::string standing_of(uint64_t club_id, uint64_t account_id);
std::string direct(uint64_t direct_id);
std::string direct_of(uint64_t account_id, uint64_t direct_id);
std::string directs_prefix(uint64_t account_id);
std::string read_mark(uint64_t account_id, PartitionId partition, uint64_t room_id);
std::string read_marks_prefix(uint64_t account_id);
std::string level(uint64_t account_id, PartitionId partition, uint64_t room_id);
std::string levels_prefix(uint64_t account_id);
std::string raid(uint64_t club_id);
std::string measure_due(int64_t until_ms, uint64_t club_id, uint64_t room_id);
std::string measures_due_prefix();
std::string head(PartitionId partition);
std::string heads_prefix();
std::string audit_tree(PartitionId partition);
std::string audit_record(PartitionId partition, uint64_t number);
std::string audit_node(PartitionId partition, uint8_t level, uint64_t index);
std::string audit_subject(PartitionId partition, uint64_t account_id, uint64_t number);
std::string audit_subject_prefix(PartitionId partition, uint64_t account_id);
std::string sanction(PartitionId partition, uint64_t sanction_id);
std::string sanctions_prefix(PartitionId partition);
std::string sanction_of(uint64_t account_id, PartitionId partition, uint64_t sanction_id);
std::string sanctions_of_prefix(uint64_t account_id);
std::string standing(PartitionId partition, uint64_t sanction_id);
std::string standing_prefix(PartitionId partition);
std::string due(int64_t until_ms, PartitionId partition, uint64_t sanction_id);
std::string due_prefix();
std::string appeal(PartitionId partition, uint64_t sanction_id);
std::string appeals_prefix(PartitionId partition);
std::string appeal_due(int64_t due_ms, PartitionId partition, uint64_t sanction_id);
std::string appeals_due_prefix();
std::string report(PartitionId partition, uint64_t report_id);
std::string reports_prefix(PartitionId partition);
std::string report_about(PartitionId partition, uint64_t account_id, uint64_t room_id,
                         uint64_t number);
std::string reports_about_prefix(PartitionId partition);
std::string report_by(uint64_t account_id, PartitionId partition, uint64_t report_id);
std::string reports_by_prefix(uint64_t account_id, PartitionId partition);
std::string report_due(int64_t due_ms, PartitionId partition, uint64_t report_id);
std::string reports_due_prefix();
std::string charter(PartitionId partition, uint64_t version);
std::string charters_prefix(PartitionId partition);
std::string proposal(PartitionId partition, uint64_t proposal_id);
std::string proposals_prefix(PartitionId partition);
std::string open_proposal(PartitionId partition, uint64_t proposal_id);
std::string open_proposals_prefix(PartitionId partition);
std::string removal(PartitionId partition, uint64_t removal_id);
std::string removals_prefix(PartitionId partition);
std::string message(PartitionId partition, uint64_t room_id, uint64_t number);
std::string messages_prefix(PartitionId partition, uint64_t room_id);
std::string idempotency(PartitionId partition, uint64_t actor, std::string_view client_msg_id);
std::string token(std::string_view token_hash);
std::string token_of(uint64_t account_id, uint64_t token_id);
std::string tokens_prefix(uint64_t account_id);

// The first key after every key that starts with `prefix`; empty = the end of the family.
std::string end_of(std::string_view prefix);

// Parts of keys that scans need back. Nothing when the bytes are not such a key.
struct LogKey {
  PartitionId partition;
  uint64_t seq;
};
std::optional<LogKey> parse_log_entry(std::string_view key);
struct MessageKey {
  PartitionId partition;
  uint64_t room_id;
  uint64_t number;
};
std::optional<MessageKey> parse_message(std::string_view key);
struct RoleKey {
  uint64_t club_id;
  uint64_t account_id;
  uint64_t seq;
};
std::optional<RoleKey> parse_role(std::string_view key);
struct IdempotencyKey {
  PartitionId partition;
  uint64_t actor;
  std::string client_msg_id;
};
std::optional<IdempotencyKey> parse_idempotency(std::string_view key);
std::optional<PartitionId> parse_head(std::string_view key);
// The partition and the number at the end of keys about sanctions and reports.
struct CaseKey {
  PartitionId partition;
  uint64_t id;
};
std::optional<CaseKey> parse_case(std::string_view key);
// The club and the room at the end of a measure's.
struct MeasureKey {
  uint64_t club_id;
  uint64_t room_id;  // 0: raid mode
};
std::optional<MeasureKey> parse_measure(std::string_view key);
// The second id of a two-id key: the club of a membership, the direct of direct_of.
std::optional<uint64_t> parse_second_id(std::string_view key);
struct InvitationRef {
  PartitionId partition;
  uint64_t invitation_id;
};
std::string invitation_ref(PartitionId partition, uint64_t invitation_id);
std::optional<InvitationRef> parse_invitation_ref(std::string_view value);
std::string u64(uint64_t value);
std::optional<uint64_t> parse_u64(std::string_view bytes);

// For people: "state/R club 12 room 3", or hexadecimal when the bytes are no known key.
std::string describe(Family family, std::string_view key);

}  // namespace key
}  // namespace amicale::storage
