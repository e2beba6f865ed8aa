// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/view.h"

#include <algorithm>
#include <iterator>

#include "storage/entry.h"
#include "storage/rocks.h"

namespace amicale::storage {

namespace {

[[noreturn]] void corrupt(Family family, std::string_view key) {
  throw Error("row does not parse: " + key::describe(family, key));
}

[[noreturn]] void unreadable(Family family, std::string_view key, const rocksdb::Status& status) {
  if (status.IsIncomplete()) throw NotInMemory();
  throw Error("can't read " + key::describe(family, key) + ": " + status.ToString());
}

template <class Row>
Row parse(Family family, std::string_view key, std::string_view value) {
  Row row;
  if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) corrupt(family, key);
  return row;
}

template <class Row>
std::optional<Row> find(const View& view, Family family, const std::string& key) {
  Row row;
  if (!view.load(family, key, row)) return std::nullopt;
  return row;
}

// Every row whose key starts with `prefix`, from `from` on, at most `limit` (0 = all).
template <class Row>
std::vector<Row> collect(const View& view, Family family, const std::string& prefix,
                         const std::string& from, size_t limit) {
  std::vector<Row> rows;
  view.scan(family, from, key::end_of(prefix), [&](std::string_view key, std::string_view value) {
    rows.push_back(parse<Row>(family, key, value));
    return limit == 0 || rows.size() < limit;
  });
  return rows;
}

// Rows whose key is `prefix` and a number, from the highest number below `before` (0 = all) down.
template <class Row>
std::vector<Row> newest(const View& view, const std::string& prefix, uint64_t before,
                        size_t limit) {
  std::vector<Row> rows;
  const uint64_t from = before == 0 ? ~uint64_t{0} : before - 1;
  view.scan_back(Family::state, prefix + key::u64(from), prefix,
                 [&](std::string_view key, std::string_view value) {
                   rows.push_back(parse<Row>(Family::state, key, value));
                   return limit == 0 || rows.size() < limit;
                 });
  return rows;
}

// The last id of every key that starts with `prefix`.
std::vector<uint64_t> second_ids(const View& view, const std::string& prefix) {
  std::vector<uint64_t> ids;
  view.scan(Family::state, prefix, key::end_of(prefix),
            [&](std::string_view key, std::string_view) {
              const auto id = key::parse_second_id(key);
              if (!id) corrupt(Family::state, key);
              ids.push_back(*id);
              return true;
            });
  return ids;
}

std::optional<uint64_t> find_id(const View& view, const std::string& key) {
  std::string value;
  if (!view.get(Family::state, key, value)) return std::nullopt;
  const auto id = key::parse_u64(value);
  if (!id) corrupt(Family::state, key);
  return id;
}

}  // namespace

Snapshot::Snapshot(const Database& database)
    : database_(database), at_(database.rocks().db->GetSnapshot()) {}

Snapshot::~Snapshot() { database_.rocks().db->ReleaseSnapshot(at_); }

rocksdb::ReadOptions View::options() const {
  rocksdb::ReadOptions how;
  how.snapshot = snapshot_;
  if (memory_only_) how.read_tier = rocksdb::kBlockCacheTier;
  return how;
}

const Batch::Change* View::changed(Family family, std::string_view key) const {
  if (batch_ == nullptr) return nullptr;
  const auto& changes = batch_->changes(family);
  const auto at = changes.find(key);
  return at == changes.end() ? nullptr : &at->second;
}

bool View::get(Family family, std::string_view key, std::string& value) const {
  if (const auto* change = changed(family, key)) {
    if (!change->erased) value = change->value();
    return !change->erased;
  }
  const auto& rocks = database_->rocks();
  rocksdb::ReadOptions how = options();
  const auto status = rocks.db->Get(how, rocks.family(family), slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) unreadable(family, key, status);
  return true;
}

bool View::load(Family family, std::string_view key, google::protobuf::MessageLite& row) const {
  if (const auto* change = changed(family, key)) {
    if (change->erased) return false;
    if (!row.ParseFromArray(change->data, static_cast<int>(change->size))) corrupt(family, key);
    return true;
  }
  const auto& rocks = database_->rocks();
  rocksdb::ReadOptions how = options();
  rocksdb::PinnableSlice value;
  const auto status = rocks.db->Get(how, rocks.family(family), slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) unreadable(family, key, status);
  if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) corrupt(family, key);
  return true;
}

void View::scan(Family family, std::string_view from, std::string_view to,
                const Visit& visit) const {
  const auto& rocks = database_->rocks();
  rocksdb::ReadOptions how = options();
  const auto upper = slice(to);
  if (!to.empty()) how.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> stored(rocks.db->NewIterator(how, rocks.family(family)));
  static const Batch::Changes none;
  const auto& changes = batch_ != nullptr ? batch_->changes(family) : none;
  auto change = changes.lower_bound(from);
  const auto end = to.empty() ? changes.end() : changes.lower_bound(to);
  bool more = true;
  for (stored->Seek(slice(from)); more && (stored->Valid() || change != end);) {
    // The smaller key is next; of equal ones, the batch's counts.
    const int order = !stored->Valid() ? 1
                      : change == end  ? -1
                                       : view_of(stored->key()).compare(change->first);
    if (order < 0) {
      more = visit(view_of(stored->key()), view_of(stored->value()));
    } else {
      if (!change->second.erased) more = visit(change->first, change->second.value());
      ++change;
    }
    if (order <= 0) stored->Next();
  }
  if (!stored->status().ok()) unreadable(family, from, stored->status());
}

void View::scan_back(Family family, std::string_view from, std::string_view to,
                     const Visit& visit) const {
  const auto& rocks = database_->rocks();
  rocksdb::ReadOptions how = options();
  const auto lower = slice(to);
  if (!to.empty()) how.iterate_lower_bound = &lower;
  const std::unique_ptr<rocksdb::Iterator> stored(rocks.db->NewIterator(how, rocks.family(family)));
  static const Batch::Changes none;
  const auto& changes = batch_ != nullptr ? batch_->changes(family) : none;
  auto change = std::make_reverse_iterator(changes.upper_bound(from));
  const auto end = std::make_reverse_iterator(changes.lower_bound(to));
  bool more = true;
  for (stored->SeekForPrev(slice(from)); more && (stored->Valid() || change != end);) {
    // The greater key is next; of equal ones, the batch's counts.
    const int order = !stored->Valid() ? 1
                      : change == end  ? -1
                                       : -view_of(stored->key()).compare(change->first);
    if (order < 0) {
      more = visit(view_of(stored->key()), view_of(stored->value()));
    } else {
      if (!change->second.erased) more = visit(change->first, change->second.value());
      ++change;
    }
    if (order <= 0) stored->Prev();
  }
  if (!stored->status().ok()) unreadable(family, from, stored->status());
}

store::SiteRow View::site() const {
  return find<store::SiteRow>(*this, Family::state, key::site()).value_or(store::SiteRow());
}

std::optional<store::AccountRow> View::account(uint64_t account_id) const {
  store::AccountRow row;
  if (!load(Family::state, key::account_by_site(account_id), row)) return std::nullopt;
  store::AccountRow own;
  // Merged over the site's half: what the account said of itself wins where it said anything.
  if (load(Family::state, key::account_by_self(account_id), own)) row.MergeFrom(own);
  return row;
}

std::optional<uint64_t> View::account_id_by_login(std::string_view login) const {
  return find_id(*this, key::login(login));
}

std::vector<store::AccountRow> View::accounts(uint64_t after, size_t limit) const {
  auto rows =
      collect<store::AccountRow>(*this, Family::state, "A", key::account_by_site(after + 1), limit);
  for (auto& row : rows) {
    store::AccountRow own;
    if (load(Family::state, key::account_by_self(row.account_id()), own)) row.MergeFrom(own);
  }
  return rows;
}

std::optional<store::TokenRow> View::token_by_hash(std::string_view token_hash) const {
  return find<store::TokenRow>(*this, Family::tokens, key::token(token_hash));
}

std::vector<store::TokenRow> View::tokens_of(uint64_t account_id) const {
  std::vector<std::string> hashes;
  const auto prefix = key::tokens_prefix(account_id);
  scan(Family::tokens, prefix, key::end_of(prefix), [&](std::string_view, std::string_view hash) {
    hashes.emplace_back(hash);
    return true;
  });
  std::vector<store::TokenRow> rows;
  for (const auto& hash : hashes) {
    auto row = token_by_hash(hash);
    if (!row) throw Error("token of account " + std::to_string(account_id) + " has no row");
    rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<v1::Club> View::club(uint64_t club_id) const {
  return find<v1::Club>(*this, Family::state, key::club(club_id));
}

std::optional<uint64_t> View::club_id_by_slug(std::string_view slug) const {
  return find_id(*this, key::slug(slug));
}

std::vector<v1::Club> View::clubs() const {
  return collect<v1::Club>(*this, Family::state, "C", "C", 0);
}

std::optional<v1::Room> View::room(uint64_t club_id, uint64_t room_id) const {
  return find<v1::Room>(*this, Family::state, key::room(club_id, room_id));
}

std::vector<v1::Room> View::rooms_of(uint64_t club_id) const {
  const auto prefix = key::rooms_prefix(club_id);
  return collect<v1::Room>(*this, Family::state, prefix, prefix, 0);
}

std::optional<v1::Member> View::member(uint64_t club_id, uint64_t account_id) const {
  return find<v1::Member>(*this, Family::state, key::member(club_id, account_id));
}

std::vector<v1::Member> View::members_of(uint64_t club_id, uint64_t after, size_t limit) const {
  return collect<v1::Member>(*this, Family::state, key::members_prefix(club_id),
                             key::member(club_id, after + 1), limit);
}

std::vector<View::Membership> View::memberships_of(uint64_t account_id) const {
  std::vector<Membership> memberships;
  for (const auto club_id : second_ids(*this, key::memberships_prefix(account_id))) {
    auto row = member(club_id, account_id);
    if (!row) {
      throw Error("membership of account " + std::to_string(account_id) + " in club " +
                  std::to_string(club_id) + " has no row");
    }
    memberships.push_back({club_id, std::move(*row)});
  }
  return memberships;
}

std::optional<store::RoleRow> View::role_at(uint64_t club_id, uint64_t account_id,
                                            uint64_t seq) const {
  std::optional<store::RoleRow> found;
  scan(Family::state, key::role(club_id, account_id, seq),
       key::end_of(key::roles_prefix(club_id, account_id)),
       [&](std::string_view key, std::string_view value) {
         found = parse<store::RoleRow>(Family::state, key, value);
         return false;
       });
  return found;
}

std::vector<View::RoleSince> View::role_history(uint64_t club_id, uint64_t account_id) const {
  std::vector<RoleSince> history;
  const auto prefix = key::roles_prefix(club_id, account_id);
  scan(Family::state, prefix, key::end_of(prefix),
       [&](std::string_view key, std::string_view value) {
         const auto parts = key::parse_role(key);
         if (!parts) corrupt(Family::state, key);
         history.push_back({parts->seq, parse<store::RoleRow>(Family::state, key, value)});
         return true;
       });
  return history;
}

std::optional<store::InvitationRow> View::invitation(PartitionId partition,
                                                     uint64_t invitation_id) const {
  return find<store::InvitationRow>(*this, Family::state,
                                    key::invitation(partition, invitation_id));
}

std::optional<store::InvitationRow> View::invitation_by_hash(std::string_view code_hash) const {
  std::string value;
  const auto key = key::invitation_hash(code_hash);
  if (!get(Family::state, key, value)) return std::nullopt;
  const auto ref = key::parse_invitation_ref(value);
  if (!ref) corrupt(Family::state, key);
  return invitation(ref->partition, ref->invitation_id);
}

std::vector<store::InvitationRow> View::invitations_of(PartitionId partition) const {
  const auto prefix = key::invitations_prefix(partition);
  return collect<store::InvitationRow>(*this, Family::state, prefix, prefix, 0);
}

std::optional<v1::Message> View::message(PartitionId partition, uint64_t room_id,
                                         uint64_t number) const {
  return find<v1::Message>(*this, Family::messages, key::message(partition, room_id, number));
}

std::optional<store::PrivatePart> View::private_part(PartitionId partition, uint64_t seq) const {
  const auto key = key::log_entry(partition, seq);
  std::string value;
  if (!get(Family::log, key, value)) return std::nullopt;
  const auto entry = decode_entry(value);
  if (!entry) corrupt(Family::log, key);
  return parse<store::PrivatePart>(Family::log, key, entry->private_bytes);
}

void View::visit_messages(PartitionId partition, uint64_t room_id, uint64_t first, uint64_t last,
                          const std::function<void(std::string_view)>& visit) const {
  scan(Family::messages, key::message(partition, room_id, first),
       key::message(partition, room_id, last + 1), [&](std::string_view, std::string_view value) {
         visit(value);
         return true;
       });
}

std::vector<v1::Message> View::messages(PartitionId partition, uint64_t room_id,
                                        uint64_t from_number, size_t limit,
                                        Direction direction) const {
  std::vector<v1::Message> found;
  if (limit == 0) return found;
  const auto prefix = key::messages_prefix(partition, room_id);
  const auto from = key::message(partition, room_id, from_number);
  const auto take = [&](std::string_view key, std::string_view value) {
    found.push_back(parse<v1::Message>(Family::messages, key, value));
    return found.size() < limit;
  };
  if (direction == Direction::newer) {
    scan(Family::messages, from, key::end_of(prefix), take);
  } else {
    scan_back(Family::messages, from, prefix, take);
  }
  return found;
}

std::optional<store::DirectRow> View::direct(uint64_t direct_id) const {
  return find<store::DirectRow>(*this, Family::state, key::direct(direct_id));
}

std::vector<store::DirectRow> View::directs_of(uint64_t account_id) const {
  std::vector<store::DirectRow> rows;
  for (const auto direct_id : second_ids(*this, key::directs_prefix(account_id))) {
    auto row = direct(direct_id);
    if (!row) throw Error("direct conversation " + std::to_string(direct_id) + " has no row");
    rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<v1::ReadMark> View::read_mark(uint64_t account_id, PartitionId stream,
                                            uint64_t room_id) const {
  return find<v1::ReadMark>(*this, Family::state, key::read_mark(account_id, stream, room_id));
}

std::vector<v1::ReadMark> View::read_marks_of(uint64_t account_id) const {
  const auto prefix = key::read_marks_prefix(account_id);
  return collect<v1::ReadMark>(*this, Family::state, prefix, prefix, 0);
}

std::optional<v1::RoomLevel> View::level(uint64_t account_id, PartitionId stream,
                                         uint64_t room_id) const {
  return find<v1::RoomLevel>(*this, Family::state, key::level(account_id, stream, room_id));
}

std::vector<v1::RoomLevel> View::levels_of(uint64_t account_id) const {
  const auto prefix = key::levels_prefix(account_id);
  return collect<v1::RoomLevel>(*this, Family::state, prefix, prefix, 0);
}

std::optional<store::SanctionRow> View::sanction(PartitionId partition,
                                                 uint64_t sanction_id) const {
  return find<store::SanctionRow>(*this, Family::state, key::sanction(partition, sanction_id));
}

std::vector<store::SanctionRow> View::sanctions_of(PartitionId partition, uint64_t before,
                                                   size_t limit) const {
  return newest<store::SanctionRow>(*this, key::sanctions_prefix(partition), before, limit);
}

std::optional<v1::Removal> View::removal(PartitionId partition, uint64_t removal_id) const {
  return find<v1::Removal>(*this, Family::state, key::removal(partition, removal_id));
}

std::vector<v1::Removal> View::removals_of(PartitionId partition, uint64_t before,
                                           size_t limit) const {
  return newest<v1::Removal>(*this, key::removals_prefix(partition), before, limit);
}

namespace {

// The rows that the keys of an index name.
std::vector<store::SanctionRow> rows_named(const View& view, const std::string& prefix) {
  std::vector<key::CaseKey> keys;
  view.scan(Family::state, prefix, key::end_of(prefix),
            [&](std::string_view key, std::string_view) {
              const auto at = key::parse_case(key);
              if (!at) corrupt(Family::state, key);
              keys.push_back(*at);
              return true;
            });
  std::vector<store::SanctionRow> rows;
  for (const auto& at : keys) {
    auto row = view.sanction(at.partition, at.id);
    if (!row) {
      throw Error("sanction " + std::to_string(at.id) + " of " + to_string(at.partition) +
                  " has no row");
    }
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

std::vector<store::SanctionRow> View::sanctions_on(uint64_t account_id) const {
  return rows_named(*this, key::sanctions_of_prefix(account_id));
}

std::vector<store::SanctionRow> View::sanctions_on(uint64_t account_id,
                                                   PartitionId partition) const {
  std::string prefix = key::sanction_of(account_id, partition, 0);
  prefix.resize(prefix.size() - sizeof(uint64_t));
  return rows_named(*this, prefix);
}

std::vector<store::SanctionRow> View::standing_sanctions(PartitionId partition) const {
  return rows_named(*this, key::standing_prefix(partition));
}

std::vector<store::SanctionRow> View::open_appeals(PartitionId partition) const {
  return rows_named(*this, key::appeals_prefix(partition));
}

std::vector<store::SanctionRow> View::overdue_appeals(int64_t now_ms, size_t limit) const {
  std::vector<store::SanctionRow> rows;
  const auto prefix = key::appeals_due_prefix();
  scan(Family::state, prefix, prefix + key::u64(static_cast<uint64_t>(now_ms) + 1),
       [&](std::string_view key, std::string_view) {
         const auto at = key::parse_case(key);
         if (!at) corrupt(Family::state, key);
         if (auto row = sanction(at->partition, at->id)) rows.push_back(std::move(*row));
         return rows.size() < limit;
       });
  return rows;
}

std::vector<View::Due> View::due_sanctions(int64_t now_ms, size_t limit) const {
  std::vector<Due> due;
  const auto prefix = key::due_prefix();
  std::string to = prefix + key::u64(static_cast<uint64_t>(now_ms) + 1);
  scan(Family::state, prefix, to, [&](std::string_view key, std::string_view value) {
    const auto at = key::parse_case(key);
    const auto account = key::parse_u64(value);
    if (!at || !account) corrupt(Family::state, key);
    due.push_back({at->partition, at->id, *account});
    return due.size() < limit;
  });
  return due;
}

std::optional<v1::Charter> View::charter(PartitionId partition, uint64_t version) const {
  if (version != 0)
    return find<v1::Charter>(*this, Family::state, key::charter(partition, version));
  auto last = newest<v1::Charter>(*this, key::charters_prefix(partition), 0, 1);
  if (last.empty()) return std::nullopt;
  return std::move(last.front());
}

std::optional<store::ProposalRow> View::proposal(PartitionId partition,
                                                 uint64_t proposal_id) const {
  return find<store::ProposalRow>(*this, Family::state, key::proposal(partition, proposal_id));
}

std::vector<store::ProposalRow> View::proposals_of(PartitionId partition, uint64_t before,
                                                   size_t limit) const {
  return newest<store::ProposalRow>(*this, key::proposals_prefix(partition), before, limit);
}

std::vector<store::ProposalRow> View::open_proposals(PartitionId partition) const {
  std::vector<uint64_t> ids;
  const auto prefix = key::open_proposals_prefix(partition);
  scan(Family::state, prefix, key::end_of(prefix), [&](std::string_view key, std::string_view) {
    const auto at = key::parse_case(key);
    if (!at) corrupt(Family::state, key);
    ids.push_back(at->id);
    return true;
  });
  std::vector<store::ProposalRow> rows;
  for (const auto id : ids) {
    auto row = proposal(partition, id);
    if (!row) throw Error("proposal " + std::to_string(id) + " has no row");
    rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<store::ReportRow> View::report(PartitionId partition, uint64_t report_id) const {
  return find<store::ReportRow>(*this, Family::state, key::report(partition, report_id));
}

std::vector<store::ReportRow> View::reports_of(PartitionId partition, uint64_t before,
                                               size_t limit) const {
  return newest<store::ReportRow>(*this, key::reports_prefix(partition), before, limit);
}

std::vector<store::ReportRow> View::open_reports(PartitionId partition) const {
  std::vector<uint64_t> ids;
  const auto prefix = key::reports_about_prefix(partition);
  scan(Family::state, prefix, key::end_of(prefix),
       [&](std::string_view key, std::string_view value) {
         const auto id = key::parse_u64(value);
         if (!id) corrupt(Family::state, key);
         ids.push_back(*id);
         return true;
       });
  std::vector<store::ReportRow> rows;
  for (const auto id : ids) {
    auto row = report(partition, id);
    if (!row) throw Error("report " + std::to_string(id) + " has no row");
    rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<store::ReportRow> View::report_about(PartitionId partition, uint64_t account_id,
                                                   uint64_t room_id, uint64_t number) const {
  const auto id = find_id(*this, key::report_about(partition, account_id, room_id, number));
  return id ? report(partition, *id) : std::nullopt;
}

uint32_t View::reports_by(uint64_t account_id, PartitionId partition) const {
  uint32_t count = 0;
  const auto prefix = key::reports_by_prefix(account_id, partition);
  scan(Family::state, prefix, key::end_of(prefix), [&](std::string_view, std::string_view) {
    ++count;
    return true;
  });
  return count;
}

std::vector<store::ReportRow> View::overdue_reports(int64_t now_ms, size_t limit) const {
  std::vector<key::CaseKey> due;
  const auto prefix = key::reports_due_prefix();
  scan(Family::state, prefix, prefix + key::u64(static_cast<uint64_t>(now_ms) + 1),
       [&](std::string_view key, std::string_view) {
         const auto at = key::parse_case(key);
         if (!at) corrupt(Family::state, key);
         due.push_back(*at);
         return due.size() < limit;
       });
  std::vector<store::ReportRow> rows;
  for (const auto& at : due) {
    if (auto row = report(at.partition, at.id)) rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<v1::RaidMode> View::raid(uint64_t club_id) const {
  return find<v1::RaidMode>(*this, Family::state, key::raid(club_id));
}

std::vector<key::MeasureKey> View::due_measures(int64_t now_ms, size_t limit) const {
  std::vector<key::MeasureKey> due;
  const auto prefix = key::measures_due_prefix();
  scan(Family::state, prefix, prefix + key::u64(static_cast<uint64_t>(now_ms) + 1),
       [&](std::string_view key, std::string_view) {
         const auto at = key::parse_measure(key);
         if (!at) corrupt(Family::state, key);
         due.push_back(*at);
         return due.size() < limit;
       });
  return due;
}

std::vector<v1::Event> View::tail(PartitionId partition, int64_t since_ms, size_t limit) const {
  std::vector<v1::Event> events;
  if (limit == 0) return events;
  const auto prefix = key::log_prefix(partition);
  scan_back(Family::log, key::log_entry(partition, ~uint64_t{0}), prefix,
            [&](std::string_view key, std::string_view value) {
              const auto entry = decode_entry(value);
              const auto bytes = entry ? unframe_event(entry->public_bytes) : std::nullopt;
              if (!bytes) corrupt(Family::log, key);
              auto event = parse<v1::Event>(Family::log, key, *bytes);
              if (event.time_ms() < since_ms) return false;
              events.push_back(std::move(event));
              return events.size() < limit;
            });
  std::ranges::reverse(events);
  return events;
}

store::HeadRow View::head(PartitionId partition) const {
  store::HeadRow head;
  if (!load(Family::state, key::head(partition), head)) head.set_hash(std::string(32, '\0'));
  return head;
}

std::vector<PartitionId> View::partitions() const {
  std::vector<PartitionId> all;
  const auto prefix = key::heads_prefix();
  scan(Family::state, prefix, key::end_of(prefix), [&](std::string_view key, std::string_view) {
    const auto partition = key::parse_head(key);
    if (!partition) corrupt(Family::state, key);
    all.push_back(*partition);
    return true;
  });
  return all;
}

std::optional<v1::HeldMessage> View::held(uint64_t club_id, uint64_t held_id) const {
  return find<v1::HeldMessage>(*this, Family::state, key::held(club_id, held_id));
}

std::vector<v1::HeldMessage> View::held_of(uint64_t club_id, uint64_t after, size_t limit) const {
  return collect<v1::HeldMessage>(*this, Family::state, key::held_prefix(club_id),
                                  key::held(club_id, after + 1), limit);
}

uint64_t View::last_held_id(uint64_t club_id) const {
  uint64_t last = 0;
  const auto visit = [&last](std::string_view key, std::string_view) {
    last = key::parse_u64(key.substr(key.size() - 8)).value_or(0);
    return false;
  };
  scan_back(Family::state, key::held(club_id, ~uint64_t{0}), key::held_prefix(club_id), visit);
  return last;
}

store::StandingRow View::standing(uint64_t club_id, uint64_t account_id) const {
  return find<store::StandingRow>(*this, Family::state, key::standing_of(club_id, account_id))
      .value_or(store::StandingRow());
}

std::optional<store::IdempotencyRow> View::idempotency(PartitionId partition, uint64_t actor,
                                                       std::string_view client_msg_id) const {
  return find<store::IdempotencyRow>(*this, Family::idempotency,
                                     key::idempotency(partition, actor, client_msg_id));
}

}  // namespace amicale::storage
