// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/keys.h"

#include <array>
#include <cassert>

#include "storage/big_endian.h"
#include "storage/hex.h"

namespace amicale::storage {

namespace {

constexpr std::array<std::string_view, kFamilies> kFamilyNames{"default",  "log",         "state",
                                                               "messages", "idempotency", "tokens"};

std::string start(size_t size) {
  std::string key;
  key.reserve(size);
  return key;
}

void add(std::string& key, PartitionId partition) {
  key.push_back(static_cast<char>(partition.kind));
  append_be(key, partition.id);
}

std::string tagged(char tag) { return std::string(1, tag); }

std::string tagged(char tag, uint64_t a) {
  auto key = start(9);
  key.push_back(tag);
  append_be(key, a);
  return key;
}

std::string tagged(char tag, uint64_t a, uint64_t b) {
  auto key = start(17);
  key.push_back(tag);
  append_be(key, a);
  append_be(key, b);
  return key;
}

std::string tagged(char tag, std::string_view bytes) {
  auto key = start(1 + bytes.size());
  key.push_back(tag);
  key.append(bytes);
  return key;
}

std::string tagged(char tag, PartitionId partition) {
  auto key = start(27);
  key.push_back(tag);
  add(key, partition);
  return key;
}

std::string of_room(char tag, uint64_t account_id, PartitionId partition, uint64_t room_id) {
  auto key = start(26);
  key.push_back(tag);
  append_be(key, account_id);
  add(key, partition);
  append_be(key, room_id);
  return key;
}

PartitionId take_partition(ByteReader& reader, bool& valid) {
  PartitionId partition;
  partition.kind = static_cast<v1::StreamKind>(reader.take<uint8_t>());
  partition.id = reader.take<uint64_t>();
  valid = reader.ok() && is_valid(partition);
  return partition;
}

}  // namespace

std::string_view name_of(Family family) { return kFamilyNames[static_cast<size_t>(family)]; }

namespace key {

std::string log_entry(PartitionId partition, uint64_t seq) {
  auto key = start(17);
  add(key, partition);
  append_be(key, seq);
  return key;
}

std::string log_prefix(PartitionId partition) {
  auto key = start(9);
  add(key, partition);
  return key;
}

std::string site() { return tagged('S'); }
std::string account_by_site(uint64_t account_id) { return tagged('A', account_id); }
std::string account_by_self(uint64_t account_id) { return tagged('B', account_id); }
std::string login(std::string_view login) { return tagged('L', login); }
std::string slug(std::string_view slug) { return tagged('U', slug); }
std::string club(uint64_t club_id) { return tagged('C', club_id); }
std::string room(uint64_t club_id, uint64_t room_id) { return tagged('R', club_id, room_id); }
std::string rooms_prefix(uint64_t club_id) { return tagged('R', club_id); }
std::string member(uint64_t club_id, uint64_t account_id) {
  return tagged('M', club_id, account_id);
}
std::string members_prefix(uint64_t club_id) { return tagged('M', club_id); }

std::string role(uint64_t club_id, uint64_t account_id, uint64_t seq) {
  auto key = roles_prefix(club_id, account_id);
  append_be(key, ~seq);
  return key;
}

std::string roles_prefix(uint64_t club_id, uint64_t account_id) {
  return tagged('H', club_id, account_id);
}

std::string membership(uint64_t account_id, uint64_t club_id) {
  return tagged('N', account_id, club_id);
}
std::string memberships_prefix(uint64_t account_id) { return tagged('N', account_id); }

std::string invitation(PartitionId partition, uint64_t invitation_id) {
  auto key = invitations_prefix(partition);
  append_be(key, invitation_id);
  return key;
}

std::string invitations_prefix(PartitionId partition) { return tagged('I', partition); }

std::string invitation_hash(std::string_view code_hash) { return tagged('J', code_hash); }
std::string held(uint64_t club_id, uint64_t held_id) { return tagged('h', club_id, held_id); }
std::string held_prefix(uint64_t club_id) { return tagged('h', club_id); }
std::string standing_of(uint64_t club_id, uint64_t account_id) {
  return tagged('g', club_id, account_id);
}
std::string direct(uint64_t direct_id) { return tagged('D', direct_id); }
std::string direct_of(uint64_t account_id, uint64_t direct_id) {
  return tagged('E', account_id, direct_id);
}
std::string directs_prefix(uint64_t account_id) { return tagged('E', account_id); }

std::string read_mark(uint64_t account_id, PartitionId partition, uint64_t room_id) {
  return of_room('K', account_id, partition, room_id);
}
std::string read_marks_prefix(uint64_t account_id) { return tagged('K', account_id); }
std::string level(uint64_t account_id, PartitionId partition, uint64_t room_id) {
  return of_room('V', account_id, partition, room_id);
}
std::string levels_prefix(uint64_t account_id) { return tagged('V', account_id); }

std::string raid(uint64_t club_id) { return tagged('r', club_id); }
std::string measure_due(int64_t until_ms, uint64_t club_id, uint64_t room_id) {
  auto key = tagged('w', static_cast<uint64_t>(until_ms), club_id);
  append_be(key, room_id);
  return key;
}
std::string measures_due_prefix() { return tagged('w'); }

std::string head(PartitionId partition) { return tagged('P', partition); }
std::string heads_prefix() { return tagged('P'); }

std::string audit_tree(PartitionId partition) { return tagged('t', partition); }

std::string audit_record(PartitionId partition, uint64_t number) {
  auto key = tagged('a', partition);
  append_be(key, number);
  return key;
}

std::string audit_node(PartitionId partition, uint8_t level, uint64_t index) {
  auto key = tagged('m', partition);
  append_be(key, level);
  append_be(key, index);
  return key;
}

std::string audit_subject(PartitionId partition, uint64_t account_id, uint64_t number) {
  auto key = audit_subject_prefix(partition, account_id);
  append_be(key, number);
  return key;
}

std::string audit_subject_prefix(PartitionId partition, uint64_t account_id) {
  auto key = tagged('s', partition);
  append_be(key, account_id);
  return key;
}

std::string sanction(PartitionId partition, uint64_t sanction_id) {
  auto key = sanctions_prefix(partition);
  append_be(key, sanction_id);
  return key;
}

std::string sanctions_prefix(PartitionId partition) { return tagged('F', partition); }

std::string sanction_of(uint64_t account_id, PartitionId partition, uint64_t sanction_id) {
  return of_room('O', account_id, partition, sanction_id);
}
std::string sanctions_of_prefix(uint64_t account_id) { return tagged('O', account_id); }

std::string standing(PartitionId partition, uint64_t sanction_id) {
  auto key = standing_prefix(partition);
  append_be(key, sanction_id);
  return key;
}

std::string standing_prefix(PartitionId partition) { return tagged('W', partition); }

std::string due(int64_t until_ms, PartitionId partition, uint64_t sanction_id) {
  return of_room('X', static_cast<uint64_t>(until_ms), partition, sanction_id);
}
std::string due_prefix() { return tagged('X'); }

std::string appeal(PartitionId partition, uint64_t sanction_id) {
  auto key = appeals_prefix(partition);
  append_be(key, sanction_id);
  return key;
}

std::string appeals_prefix(PartitionId partition) { return tagged('c', partition); }

std::string appeal_due(int64_t due_ms, PartitionId partition, uint64_t sanction_id) {
  return of_room('d', static_cast<uint64_t>(due_ms), partition, sanction_id);
}
std::string appeals_due_prefix() { return tagged('d'); }

std::string report(PartitionId partition, uint64_t report_id) {
  auto key = reports_prefix(partition);
  append_be(key, report_id);
  return key;
}

std::string reports_prefix(PartitionId partition) { return tagged('Q', partition); }

std::string report_about(PartitionId partition, uint64_t account_id, uint64_t room_id,
                         uint64_t number) {
  auto key = reports_about_prefix(partition);
  append_be(key, account_id);
  append_be(key, room_id);
  append_be(key, number);
  return key;
}

std::string reports_about_prefix(PartitionId partition) { return tagged('G', partition); }

std::string report_by(uint64_t account_id, PartitionId partition, uint64_t report_id) {
  return of_room('Y', account_id, partition, report_id);
}

std::string reports_by_prefix(uint64_t account_id, PartitionId partition) {
  auto key = start(18);
  key.push_back('Y');
  append_be(key, account_id);
  add(key, partition);
  return key;
}

std::string report_due(int64_t due_ms, PartitionId partition, uint64_t report_id) {
  return of_room('Z', static_cast<uint64_t>(due_ms), partition, report_id);
}
std::string reports_due_prefix() { return tagged('Z'); }

std::string charter(PartitionId partition, uint64_t version) {
  auto key = charters_prefix(partition);
  append_be(key, version);
  return key;
}

std::string charters_prefix(PartitionId partition) { return tagged('k', partition); }

std::string proposal(PartitionId partition, uint64_t proposal_id) {
  auto key = proposals_prefix(partition);
  append_be(key, proposal_id);
  return key;
}

std::string proposals_prefix(PartitionId partition) { return tagged('p', partition); }

std::string open_proposal(PartitionId partition, uint64_t proposal_id) {
  auto key = open_proposals_prefix(partition);
  append_be(key, proposal_id);
  return key;
}

std::string open_proposals_prefix(PartitionId partition) { return tagged('e', partition); }

std::string removal(PartitionId partition, uint64_t removal_id) {
  auto key = removals_prefix(partition);
  append_be(key, removal_id);
  return key;
}

std::string removals_prefix(PartitionId partition) { return tagged('T', partition); }

std::string message(PartitionId partition, uint64_t room_id, uint64_t number) {
  auto key = messages_prefix(partition, room_id);
  append_be(key, number);
  return key;
}

std::string messages_prefix(PartitionId partition, uint64_t room_id) {
  auto key = start(25);
  add(key, partition);
  append_be(key, room_id);
  return key;
}

std::string idempotency(PartitionId partition, uint64_t actor, std::string_view client_msg_id) {
  auto key = start(17 + client_msg_id.size());
  add(key, partition);
  append_be(key, actor);
  key.append(client_msg_id);
  return key;
}

std::string token(std::string_view token_hash) { return tagged('T', token_hash); }
std::string token_of(uint64_t account_id, uint64_t token_id) {
  return tagged('Y', account_id, token_id);
}
std::string tokens_prefix(uint64_t account_id) { return tagged('Y', account_id); }

std::string end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

std::optional<LogKey> parse_log_entry(std::string_view key) {
  ByteReader reader(key);
  bool valid = false;
  const auto partition = take_partition(reader, valid);
  const auto seq = reader.take<uint64_t>();
  if (!valid || !reader.ended() || seq == 0) return std::nullopt;
  return LogKey{partition, seq};
}

std::optional<MessageKey> parse_message(std::string_view key) {
  ByteReader reader(key);
  bool valid = false;
  const auto partition = take_partition(reader, valid);
  const auto room_id = reader.take<uint64_t>();
  const auto number = reader.take<uint64_t>();
  if (!valid || !reader.ended() || number == 0) return std::nullopt;
  return MessageKey{partition, room_id, number};
}

std::optional<RoleKey> parse_role(std::string_view key) {
  ByteReader reader(key);
  const auto tag = reader.take<uint8_t>();
  const auto club_id = reader.take<uint64_t>();
  const auto account_id = reader.take<uint64_t>();
  const auto seq = ~reader.take<uint64_t>();
  if (tag != 'H' || !reader.ended() || seq == 0) return std::nullopt;
  return RoleKey{club_id, account_id, seq};
}

std::optional<IdempotencyKey> parse_idempotency(std::string_view key) {
  ByteReader reader(key);
  bool valid = false;
  const auto partition = take_partition(reader, valid);
  const auto actor = reader.take<uint64_t>();
  if (!valid || !reader.ok() || reader.rest().empty()) return std::nullopt;
  return IdempotencyKey{partition, actor, std::string(reader.rest())};
}

std::optional<PartitionId> parse_head(std::string_view key) {
  ByteReader reader(key);
  const auto tag = reader.take<uint8_t>();
  bool valid = false;
  const auto partition = take_partition(reader, valid);
  if (tag != 'P' || !valid || !reader.ended()) return std::nullopt;
  return partition;
}

std::optional<CaseKey> parse_case(std::string_view key) {
  constexpr size_t end = 17;  // partition and number
  if (key.size() < end + 1) return std::nullopt;
  ByteReader reader(key.substr(key.size() - end));
  bool valid = false;
  const auto partition = take_partition(reader, valid);
  const auto id = reader.take<uint64_t>();
  if (!valid || !reader.ended() || id == 0) return std::nullopt;
  return CaseKey{partition, id};
}

std::optional<MeasureKey> parse_measure(std::string_view key) {
  ByteReader reader(key);
  reader.take_bytes(9);
  const auto club_id = reader.take<uint64_t>();
  const auto room_id = reader.take<uint64_t>();
  if (!reader.ended() || club_id == 0) return std::nullopt;
  return MeasureKey{club_id, room_id};
}

std::optional<uint64_t> parse_second_id(std::string_view key) {
  ByteReader reader(key);
  reader.take_bytes(9);
  const auto id = reader.take<uint64_t>();
  if (!reader.ended()) return std::nullopt;
  return id;
}

std::string invitation_ref(PartitionId partition, uint64_t invitation_id) {
  auto value = start(17);
  add(value, partition);
  append_be(value, invitation_id);
  return value;
}

std::optional<InvitationRef> parse_invitation_ref(std::string_view value) {
  ByteReader reader(value);
  bool valid = false;
  const auto partition = take_partition(reader, valid);
  const auto id = reader.take<uint64_t>();
  if (!valid || !reader.ended()) return std::nullopt;
  return InvitationRef{partition, id};
}

std::string u64(uint64_t value) {
  auto bytes = start(8);
  append_be(bytes, value);
  return bytes;
}

std::optional<uint64_t> parse_u64(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto value = reader.take<uint64_t>();
  if (!reader.ended()) return std::nullopt;
  return value;
}

namespace {

// A row of the provable log, for people.
std::optional<std::string> describe_audit(std::string_view key) {
  ByteReader reader(key);
  const auto tag = static_cast<char>(reader.take<uint8_t>());
  bool valid = false;
  const auto partition = take_partition(reader, valid);
  if (!valid) return std::nullopt;
  std::string text;
  if (tag == 't') text = "audit tree of " + to_string(partition);
  if (tag == 'a') {
    text =
        "audit record " + std::to_string(reader.take<uint64_t>()) + " of " + to_string(partition);
  }
  if (tag == 'm') {
    const auto level = reader.take<uint8_t>();
    text = "audit node " + std::to_string(level) + "/" + std::to_string(reader.take<uint64_t>()) +
           " of " + to_string(partition);
  }
  if (tag == 's') {
    const auto account = reader.take<uint64_t>();
    text = "audit of account " + std::to_string(account) + ", record " +
           std::to_string(reader.take<uint64_t>()) + " of " + to_string(partition);
  }
  if (text.empty() || !reader.ended()) return std::nullopt;
  return text;
}

}  // namespace

std::string describe(Family family, std::string_view key) {
  const std::string where = std::string(name_of(family)) + " ";
  if (family == Family::log) {
    if (const auto k = parse_log_entry(key)) {
      return where + to_string(k->partition) + " seq " + std::to_string(k->seq);
    }
  } else if (family == Family::messages) {
    if (const auto k = parse_message(key)) {
      return where + to_string(k->partition) + " room " + std::to_string(k->room_id) + " number " +
             std::to_string(k->number);
    }
  } else if (family == Family::idempotency) {
    if (const auto k = parse_idempotency(key)) {
      return where + to_string(k->partition) + " actor " + std::to_string(k->actor) + " id " +
             to_hex(k->client_msg_id);
    }
  } else if (family == Family::state && !key.empty()) {
    if (const auto k = parse_head(key)) return where + "head of " + to_string(*k);
    if (const auto row = describe_audit(key)) return where + *row;
    const std::string row = where + key[0];
    if (key[0] == 'L' || key[0] == 'U') return row + " " + std::string(key.substr(1));
    if (key.size() == 9) return row + " " + std::to_string(*parse_u64(key.substr(1)));
    if (key.size() == 17) {
      return row + " " + std::to_string(*parse_u64(key.substr(1, 8))) + " " +
             std::to_string(*parse_u64(key.substr(9)));
    }
  } else if (family == Family::meta) {
    return where + std::string(key);
  }
  return where + to_hex(key);
}

}  // namespace key
}  // namespace amicale::storage
