// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Reading rows: what a command's facts, a query and `apply` all use.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/event.pb.h"
#include "amicale/v1/state.pb.h"
#include "storage/batch.h"
#include "storage/database.h"
#include "storage/keys.h"
#include "store/log.pb.h"
#include "store/rows.pb.h"

namespace rocksdb {
class Snapshot;
struct ReadOptions;
}  // namespace rocksdb

namespace amicale::storage {

// The database as it was at one instant. Keeps old versions from being dropped: hold it for one
// answer, not for long. Any thread; outlived by its Database.
class Snapshot {
 public:
  explicit Snapshot(const Database& database);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  const rocksdb::Snapshot* at() const { return at_; }  // for this folder

 private:
  friend class View;
  const Database& database_;
  const rocksdb::Snapshot* at_;
};

// A typed reader over the latest state, a snapshot, or a batch's own changes on top of the latest
// state. A value: cheap to make and copy; what it reads from outlives it. Each call is one point
// read (microseconds when cached) or one short scan; both may touch the disk. Absent rows are
// empty; a row that does not parse throws Error naming its key. "after" is exclusive, 0 = from the
// start; "limit" 0 = all.
class View {
 public:
  explicit View(const Database& database) : database_(&database) {}
  explicit View(const Batch& batch) : database_(&batch.database()), batch_(&batch) {}
  explicit View(const Snapshot& snapshot)
      : database_(&snapshot.database_), snapshot_(snapshot.at_) {}
  // The same, but never touches the disk: what is in neither buffers nor cache throws NotInMemory.
  static View in_memory(const Snapshot& snapshot) {
    View view(snapshot);
    view.memory_only_ = true;
    return view;
  }

  // Site and accounts
  store::SiteRow site() const;  // empty before SiteCreated
  std::optional<store::AccountRow> account(uint64_t account_id) const;
  std::optional<uint64_t> account_id_by_login(std::string_view login) const;
  std::vector<store::AccountRow> accounts(uint64_t after, size_t limit) const;
  std::optional<store::TokenRow> token_by_hash(std::string_view token_hash) const;
  std::vector<store::TokenRow> tokens_of(uint64_t account_id) const;  // by token id

  // Clubs
  std::optional<v1::Club> club(uint64_t club_id) const;
  std::optional<uint64_t> club_id_by_slug(std::string_view slug) const;
  std::vector<v1::Club> clubs() const;
  std::optional<v1::Room> room(uint64_t club_id, uint64_t room_id) const;
  std::vector<v1::Room> rooms_of(uint64_t club_id) const;
  std::optional<v1::Member> member(uint64_t club_id, uint64_t account_id) const;
  std::vector<v1::Member> members_of(uint64_t club_id, uint64_t after = 0, size_t limit = 0) const;
  // Every club in which the account has a Member row, whatever its status.
  struct Membership {
    uint64_t club_id;
    v1::Member member;
  };
  std::vector<Membership> memberships_of(uint64_t account_id) const;
  // Role and status that the member held at `seq`; nothing before the first MemberChanged.
  std::optional<store::RoleRow> role_at(uint64_t club_id, uint64_t account_id, uint64_t seq) const;
  // All of it, newest first, with the seq from which each holds.
  struct RoleSince {
    uint64_t seq;
    store::RoleRow row;
  };
  std::vector<RoleSince> role_history(uint64_t club_id, uint64_t account_id) const;
  std::optional<store::InvitationRow> invitation(PartitionId partition,
                                                 uint64_t invitation_id) const;
  std::optional<store::InvitationRow> invitation_by_hash(std::string_view code_hash) const;
  std::vector<store::InvitationRow> invitations_of(PartitionId partition) const;

  // Held messages, by held id.
  std::optional<v1::HeldMessage> held(uint64_t club_id, uint64_t held_id) const;
  std::vector<v1::HeldMessage> held_of(uint64_t club_id, uint64_t after, size_t limit) const;
  uint64_t last_held_id(uint64_t club_id) const;
  store::StandingRow standing(uint64_t club_id, uint64_t account_id) const;  // empty when unknown

  // Messages. room_id is 0 in a direct conversation.
  std::optional<v1::Message> message(PartitionId partition, uint64_t room_id,
                                     uint64_t number) const;
  // What a log entry keeps to itself; nothing when there is no such entry.
  std::optional<store::PrivatePart> private_part(PartitionId partition, uint64_t seq) const;
  enum class Direction { older, newer };
  // Up to `limit` messages from `from_number` (inclusive) on, in the order walked.
  // `visit_messages` shows the messages from `first` to `last`, both included, as they are stored and sent: each a v1::Message.
  void visit_messages(PartitionId partition, uint64_t room_id, uint64_t first, uint64_t last,
                      const std::function<void(std::string_view)>& visit) const;
  std::vector<v1::Message> messages(PartitionId partition, uint64_t room_id, uint64_t from_number,
                                    size_t limit, Direction direction) const;

  // Direct conversations
  std::optional<store::DirectRow> direct(uint64_t direct_id) const;
  std::vector<store::DirectRow> directs_of(uint64_t account_id) const;

  // An account's own
  std::optional<v1::ReadMark> read_mark(uint64_t account_id, PartitionId stream,
                                        uint64_t room_id) const;
  std::vector<v1::ReadMark> read_marks_of(uint64_t account_id) const;
  std::optional<v1::RoomLevel> level(uint64_t account_id, PartitionId stream,
                                     uint64_t room_id) const;
  std::vector<v1::RoomLevel> levels_of(uint64_t account_id) const;

  // Sanctions. `partition` is a club, or an account for those of the whole site.
  std::optional<store::SanctionRow> sanction(PartitionId partition, uint64_t sanction_id) const;
  // Newest first, those below `before` (0 = all).
  std::vector<store::SanctionRow> sanctions_of(PartitionId partition, uint64_t before,
                                               size_t limit) const;
  // All that an account ever met with, by partition.
  std::vector<store::SanctionRow> sanctions_on(uint64_t account_id) const;
  // … in one partition.
  std::vector<store::SanctionRow> sanctions_on(uint64_t account_id, PartitionId partition) const;
  // Those that no event has ended.
  std::vector<store::SanctionRow> standing_sanctions(PartitionId partition) const;
  // Of clubs: those whose time is over at `now_ms`, and no event has said so.
  struct Due {
    PartitionId partition;
    uint64_t sanction_id;
    uint64_t account_id;
  };
  std::vector<Due> due_sanctions(int64_t now_ms, size_t limit) const;

  // Those whose appeal is open, the oldest sanction first.
  std::vector<store::SanctionRow> open_appeals(PartitionId partition) const;
  // … of all clubs, whose appeal is due at `now_ms`.
  std::vector<store::SanctionRow> overdue_appeals(int64_t now_ms, size_t limit) const;
  std::optional<v1::Removal> removal(PartitionId partition, uint64_t removal_id) const;
  // Newest first, those below `before` (0 = all).
  std::vector<v1::Removal> removals_of(PartitionId partition, uint64_t before, size_t limit) const;

  // A version of a club's charter; 0 = the one in force. Nothing when there is none.
  std::optional<v1::Charter> charter(PartitionId partition, uint64_t version = 0) const;

  // Proposals
  std::optional<store::ProposalRow> proposal(PartitionId partition, uint64_t proposal_id) const;
  // Newest first, those below `before` (0 = all).
  std::vector<store::ProposalRow> proposals_of(PartitionId partition, uint64_t before,
                                               size_t limit) const;
  // Those that no event has closed, the oldest first.
  std::vector<store::ProposalRow> open_proposals(PartitionId partition) const;

  // The last raid mode of a club.
  std::optional<v1::RaidMode> raid(uint64_t club_id) const;
  // Raid modes (room 0), and slow modes that began by themselves, that are over at `now_ms` and no event has said so.
  std::vector<key::MeasureKey> due_measures(int64_t now_ms, size_t limit) const;

  // Reports
  std::optional<store::ReportRow> report(PartitionId partition, uint64_t report_id) const;
  // Newest first, those below `before` (0 = all).
  std::vector<store::ReportRow> reports_of(PartitionId partition, uint64_t before,
                                           size_t limit) const;
  std::vector<store::ReportRow> open_reports(PartitionId partition) const;
  // The open one about a message, or (room 0, number 0) about a person.
  std::optional<store::ReportRow> report_about(PartitionId partition, uint64_t account_id,
                                               uint64_t room_id, uint64_t number) const;
  // How many open ones an account took part in.
  uint32_t reports_by(uint64_t account_id, PartitionId partition) const;
  // Open ones of all clubs that are due at `now_ms`, the oldest first.
  std::vector<store::ReportRow> overdue_reports(int64_t now_ms, size_t limit) const;

  // Logs
  // The events of a log's end that are not older than `since_ms`, the oldest first; at most `limit` of them.
  std::vector<v1::Event> tail(PartitionId partition, int64_t since_ms, size_t limit) const;
  store::HeadRow head(PartitionId partition) const;  // seq 0 and 32 zero bytes before any entry
  std::vector<PartitionId> partitions() const;
  std::optional<store::IdempotencyRow> idempotency(PartitionId partition, uint64_t actor,
                                                   std::string_view client_msg_id) const;

  // Untyped, for this folder. `visit` gets key and value and returns false to stop; both are gone
  // after the call. Keys from `from` (inclusive) to `to` (exclusive; empty = the end).
  bool get(Family family, std::string_view key, std::string& value) const;
  bool load(Family family, std::string_view key, google::protobuf::MessageLite& row) const;
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  void scan(Family family, std::string_view from, std::string_view to, const Visit& visit) const;
  // From `from` (inclusive) down to `to` (inclusive).
  void scan_back(Family family, std::string_view from, std::string_view to,
                 const Visit& visit) const;

 private:
  rocksdb::ReadOptions options() const;
  const Batch::Change* changed(Family family, std::string_view key) const;

  const Database* database_;
  const Batch* batch_ = nullptr;
  const rocksdb::Snapshot* snapshot_ = nullptr;
  bool memory_only_ = false;
};

}  // namespace amicale::storage
