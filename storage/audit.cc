// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/audit.h"

#include <bit>
#include <cassert>

#include "storage/append.h"
#include "storage/big_endian.h"
#include "storage/entry.h"
#include "storage/keys.h"

namespace amicale::storage {

namespace {

constexpr uint8_t kFormatOfHashes = 1;
constexpr size_t kHashBytes = sizeof(Digest);

// First byte of what is hashed: a leaf is never taken for a node, nor an actor for a subject.
enum class Label : uint8_t { leaf = 0, node = 1, actor = 2, subject = 3, details = 4 };

std::string labelled(Label label) { return std::string(1, static_cast<char>(label)); }

Digest node_of(std::string_view left, std::string_view right) {
  return Sha256::of_thread().add(labelled(Label::node)).add(left).add(right).finish();
}

Digest commit_to(Label label, std::string_view salt, std::string_view value) {
  return Sha256::of_thread().add(labelled(label)).add(salt).add(value).finish();
}

std::string account_bytes(uint64_t account_id) {
  std::string bytes;
  append_be(bytes, account_id);
  return bytes;
}

// Who did it; 0 = the server by itself. A message is held, and its author made quiet, by a rule: the event's actor is whose
// command met it.
uint64_t actor_of(const v1::Event& event) {
  return event.has_message_held() || event.has_member_quieted() ? 0 : event.actor();
}

// The event itself, without who, when and by which request: these have places of their own. And without what a member said: the
// words go with the message, and the record stays as it is.
std::string details_of(const v1::Event& event) {
  v1::Event body = event;
  body.clear_seq();
  body.clear_time_ms();
  body.clear_actor();
  body.clear_client_msg_id();
  // Words that come back may go again, and a record must not change with them.
  if (body.has_message_restored()) {
    body.mutable_message_restored()->clear_body();
    body.mutable_message_restored()->clear_mentions();
  }
  if (body.has_message_held()) {
    body.mutable_message_held()->clear_body();
    body.mutable_message_held()->clear_mentions();
  }
  // So may what was said about an appeal. Why it was decided as it was belongs to the decision.
  if (body.has_appeal_said()) body.mutable_appeal_said()->clear_text();
  return body.SerializeAsString();
}

template <class OnMessage>
uint64_t author_of(const View& view, PartitionId partition, const OnMessage& e) {
  const auto message = view.message(partition, e.room_id(), e.number());
  return message ? message->author() : 0;
}

// To whom it was done; 0 = to nobody. As the rows stand before the event.
uint64_t subject_of(const v1::Event& event, const View& view, PartitionId partition) {
  switch (event.body_case()) {
    case v1::Event::kMemberChanged: return event.member_changed().member().account_id();
    case v1::Event::kInvitationUsed: return event.invitation_used().account_id();
    case v1::Event::kSiteRoleChanged: return event.site_role_changed().account_id();
    case v1::Event::kMessageDeleted: return author_of(view, partition, event.message_deleted());
    case v1::Event::kMessageRestored: return author_of(view, partition, event.message_restored());
    case v1::Event::kMessageLocked: return author_of(view, partition, event.message_locked());
    case v1::Event::kSanctionImposed: return event.sanction_imposed().sanction().account_id();
    case v1::Event::kSanctionEnded: return event.sanction_ended().account_id();
    case v1::Event::kSanctionNoticed: return event.sanction_noticed().sanction().account_id();
    case v1::Event::kAppealSaid: return event.appeal_said().account_id();
    case v1::Event::kAppealDecided: return event.appeal_decided().account_id();
    case v1::Event::kAppealNoticed: return event.appeal_noticed().account_id();
    case v1::Event::kMessagesRemoved: return event.messages_removed().removal().account_id();
    case v1::Event::kRemovalUndone: {
      const auto removal = view.removal(partition, event.removal_undone().removal_id());
      return removal ? removal->account_id() : 0;
    }
    case v1::Event::kMessageHeld: return event.actor();
    case v1::Event::kHeldReviewed: return event.held_reviewed().author();
    case v1::Event::kMemberQuieted: return event.member_quieted().account_id();
    default: return 0;
  }
}

bool is_act(const v1::Event& event, uint64_t subject, const store::PrivatePart& private_part) {
  if (private_part.has_audit_kept()) return true;
  switch (audited(event.body_case()).value_or(Audited::never)) {
    case Audited::never: return false;
    case Audited::always: return true;
    case Audited::on_others: return event.actor() != subject;
  }
  return false;
}

// Who commits to what: the salt of a field, when it is still there.
std::string salt_of(Label label, const store::AuditField& kept, bool redacted,
                    std::string_view entry_salt) {
  if (!kept.salt().empty()) return kept.salt();
  if (redacted || !kept.commitment().empty()) return {};
  const auto salt =
      Sha256::of_thread().add("amicale audit salt").add(labelled(label)).add(entry_salt).finish();
  return std::string(bytes_of(salt));
}

std::string field_of(Label label, const store::AuditField& kept, std::string_view entry_salt,
                     std::string_view value) {
  if (!kept.commitment().empty()) return kept.commitment();
  const auto digest = commit_to(label, salt_of(label, kept, false, entry_salt), value);
  return std::string(bytes_of(digest));
}

void add_leaf(Batch& batch, PartitionId partition, uint64_t index, const Digest& leaf) {
  const View view(batch);
  Digest hash = leaf;
  uint8_t level = 0;
  batch.put(Family::state, key::audit_node(partition, level, index), bytes_of(hash));
  for (; index & 1; index >>= 1) {
    std::string left;
    if (!view.get(Family::state, key::audit_node(partition, level, index - 1), left)) {
      throw Error("a subtree of the provable log is missing: " + to_string(partition));
    }
    hash = node_of(left, bytes_of(hash));
    batch.put(Family::state, key::audit_node(partition, ++level, index >> 1), bytes_of(hash));
  }
}

// The root over leaves [from, to), as RFC 6962 splits them: `from` is a multiple of the largest power of two below the length.
Digest root_over(const View& view, PartitionId partition, uint64_t from, uint64_t to) {
  const uint64_t length = to - from;
  assert(length > 0);
  if (std::has_single_bit(length)) {
    const auto level = static_cast<uint8_t>(std::countr_zero(length));
    std::string hash;
    if (!view.get(Family::state, key::audit_node(partition, level, from >> level), hash) ||
        hash.size() != kHashBytes) {
      throw Error("a subtree of the provable log is missing: " + to_string(partition));
    }
    Digest digest;
    hash.copy(digest.data(), digest.size());
    return digest;
  }
  const uint64_t split = from + std::bit_floor(length - 1);
  const auto left = root_over(view, partition, from, split);
  const auto right = root_over(view, partition, split, to);
  return node_of(bytes_of(left), bytes_of(right));
}

void add_root(std::vector<std::string>& path, const View& view, PartitionId partition,
              uint64_t from, uint64_t to) {
  const auto root = root_over(view, partition, from, to);
  path.emplace_back(bytes_of(root));
}

store::AuditTreeRow tree_of(const View& view, PartitionId partition) {
  store::AuditTreeRow row;
  if (!view.load(Family::state, key::audit_tree(partition), row)) {
    row.set_last_leaf(std::string(kHashBytes, '\0'));
  }
  return row;
}

// An act's entry, taken apart.
struct ActEntry {
  std::string value;
  EntryView entry;  // into `value`
  v1::Event event;
  store::PrivatePart private_part;
};

ActEntry load_act(const View& view, PartitionId partition, uint64_t seq) {
  ActEntry act;
  const auto key = key::log_entry(partition, seq);
  if (!view.get(Family::log, key, act.value)) {
    throw Error("no entry: " + key::describe(Family::log, key));
  }
  const auto entry = decode_entry(act.value);
  const auto bytes = entry ? unframe_event(entry->public_bytes) : std::nullopt;
  if (!bytes || !act.event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) ||
      !act.private_part.ParseFromArray(entry->private_bytes.data(),
                                       static_cast<int>(entry->private_bytes.size()))) {
    throw Error("entry does not parse: " + key::describe(Family::log, key));
  }
  act.entry = *entry;
  return act;
}

PartitionId partition_of(const v1::AuditRecord& record) {
  const auto partition = storage::partition_of(record.stream());
  if (!partition) throw Error("a record of the provable log names no stream");
  return *partition;
}

}  // namespace

std::optional<Audited> audited(v1::Event::BodyCase kind) {
  // No `default`: a new kind of event does not compile until somebody has said whether it is an act.
  switch (kind) {
    case v1::Event::BODY_NOT_SET: return Audited::never;

    // The site: what staff do. Registering is done by whom it concerns, with a code whose making is an act.
    case v1::Event::kSiteCreated: return Audited::always;
    case v1::Event::kClubRegistered: return Audited::always;
    case v1::Event::kAccountRegistered: return Audited::never;
    case v1::Event::kSiteRoleChanged: return Audited::always;

    // An account's own affairs.
    case v1::Event::kProfileChanged:
    case v1::Event::kPasswordChanged:
    case v1::Event::kTokenIssued:
    case v1::Event::kTokenRevoked:
    case v1::Event::kReadMarked:
    case v1::Event::kLevelSet:
    case v1::Event::kDirectNoticed:
    case v1::Event::kMembershipNoticed:
    case v1::Event::kReportNoticed: return Audited::never;

    // In the site's log, a ban from the site, its end, and what becomes of an appeal of it, which the account's own log brings
    // about. There it is no act again.
    case v1::Event::kSanctionNoticed: return Audited::always;
    case v1::Event::kAppealNoticed: return Audited::on_others;

    // A club: who belongs to it and as what, its rooms, its doors.
    case v1::Event::kClubCreated:
    case v1::Event::kClubChanged:
    case v1::Event::kRoomCreated:
    case v1::Event::kRoomChanged:
    case v1::Event::kMemberChanged:
    case v1::Event::kInvitationCreated:
    case v1::Event::kInvitationRevoked:
    case v1::Event::kInvitationUsed: return Audited::always;

    // What is said.
    case v1::Event::kMessagePosted:
    case v1::Event::kMessageEdited:
    case v1::Event::kReactionChanged: return Audited::never;
    case v1::Event::kMessageDeleted: return Audited::on_others;
    case v1::Event::kMessagePinned:
    case v1::Event::kMessageRestored:
    case v1::Event::kMessageLocked: return Audited::always;

    // Keeping order, also where the server does it by itself. Who reports does not act, and stays hidden.
    case v1::Event::kSanctionImposed:
    case v1::Event::kSanctionEnded:
    case v1::Event::kMessagesRemoved:
    case v1::Event::kRemovalUndone:
    case v1::Event::kReportClaimed:
    case v1::Event::kReportResolved: return Audited::always;
    case v1::Event::kReportFiled: return Audited::never;

    // What anti-spam does by itself, and what the committee makes of it. What is released appears by the review.
    case v1::Event::kMessageHeld:
    case v1::Event::kHeldReviewed:
    case v1::Event::kMemberQuieted: return Audited::always;
    // What takes two. About somebody who must not hear of it: what it becomes names them.
    case v1::Event::kActProposed:
    case v1::Event::kProposalClosed: return Audited::always;

    // Accepting the charter is one's own affair.
    case v1::Event::kCharterAdopted: return Audited::always;
    case v1::Event::kCharterAccepted: return Audited::never;

    // Raid mode, by hand or by itself (then with actor 0): the whole club is held, so each is an act.
    case v1::Event::kRaidModeStarted:
    case v1::Event::kRaidModeProlonged:
    case v1::Event::kRaidModeEnded: return Audited::always;

    // A room slowed down, by itself (actor 0), and its end: by its time (actor 0) or by who set slow mode by hand.
    case v1::Event::kRoomSlowed:
    case v1::Event::kRoomSlowEnded: return Audited::always;

    // Who contests does not act; who answers and who decides does.
    case v1::Event::kAppealSaid: return Audited::on_others;
    case v1::Event::kAppealDecided: return Audited::always;

    // Between two people nobody keeps order.
    case v1::Event::kDirectChanged: return Audited::never;
  }
  return std::nullopt;
}

bool record_act(Batch& batch, PartitionId partition, const v1::Event& event,
                const store::PrivatePart& private_part, const EntrySeal& seal) {
  // Almost every event is said to be none by its kind alone.
  if (audited(event.body_case()).value_or(Audited::never) == Audited::never) return false;
  if (partition.kind != v1::STREAM_KIND_CLUB && partition.kind != v1::STREAM_KIND_SITE) {
    return false;
  }
  const View view(batch);
  const uint64_t subject = subject_of(event, view, partition);
  if (!is_act(event, subject, private_part)) return false;

  auto tree = tree_of(view, partition);
  const auto& kept = private_part.audit_kept();
  v1::AuditRecord record;
  *record.mutable_stream() = stream_of(partition);
  record.set_number(tree.size() + 1);
  record.set_seq(event.seq());
  record.set_time_ms(event.time_ms());
  record.set_act(static_cast<uint32_t>(event.body_case()));
  record.set_automatic(actor_of(event) == 0 && kept.actor().commitment().empty());
  record.set_previous(tree.last_leaf());
  record.set_entry_hash(seal.hash.data(), seal.hash.size());
  record.set_actor(field_of(Label::actor, kept.actor(), seal.salt, account_bytes(actor_of(event))));
  record.set_subject(field_of(Label::subject, kept.subject(), seal.salt, account_bytes(subject)));
  record.set_details(field_of(Label::details, kept.details(), seal.salt, details_of(event)));
  batch.put(Family::state, key::audit_record(partition, record.number()), record);
  if (subject != 0 && kept.subject().commitment().empty()) {
    batch.put(Family::state, key::audit_subject(partition, subject, record.number()),
              std::string_view());
  }

  const auto leaf = leaf_of(record);
  add_leaf(batch, partition, tree.size(), leaf);
  tree.set_size(record.number());
  tree.set_last_leaf(leaf.data(), leaf.size());
  batch.put(Family::state, key::audit_tree(partition), tree);
  return true;
}

void keep_openings(const EntryView& entry, store::PrivatePart& private_part) {
  // An entry that lost its salt was an act's that kept them, or no act's.
  if (private_part.has_audit_kept() || entry.redacted) return;
  auto& kept = *private_part.mutable_audit_kept();
  kept.mutable_actor()->set_salt(salt_of(Label::actor, {}, false, entry.salt));
  kept.mutable_subject()->set_salt(salt_of(Label::subject, {}, false, entry.salt));
  kept.mutable_details()->set_salt(salt_of(Label::details, {}, false, entry.salt));
}

void conceal(Batch& batch, PartitionId partition, uint64_t number, const Concealed& fields,
             const v1::Event& left) {
  const View view(batch);
  const auto record = audit_record(view, partition, number);
  if (!record) throw Error("no record " + std::to_string(number) + " of " + to_string(partition));
  const auto opening = audit_opening(view, *record);
  auto act = load_act(view, partition, record->seq());
  auto& kept = *act.private_part.mutable_audit_kept();
  const auto keep = [](store::AuditField& field, bool concealed, const std::string& salt,
                       const std::string& commitment) {
    field.Clear();
    if (concealed || salt.empty()) {
      field.set_commitment(commitment);
    } else {
      field.set_salt(salt);
    }
  };
  keep(*kept.mutable_actor(), fields.actor && !record->automatic(), opening.actor_salt(),
       record->actor());
  keep(*kept.mutable_subject(), fields.subject, opening.subject_salt(), record->subject());
  keep(*kept.mutable_details(), fields.details, opening.details_salt(), record->details());
  if (left.seq() != record->seq() || left.time_ms() != record->time_ms() ||
      left.body_case() != act.event.body_case() ||
      (kept.actor().commitment().empty() && actor_of(left) != actor_of(act.event)) ||
      (kept.details().commitment().empty() && details_of(left) != opening.details())) {
    throw Error("what is left of an act lacks more than what is concealed");
  }
  if (fields.subject && !opening.subject_salt().empty()) {
    batch.erase(Family::state, key::audit_subject(partition, opening.subject(), number));
  }
  redact(batch, partition, record->seq(), left, act.private_part);
}

std::optional<v1::AuditRecord> audit_record(const View& view, PartitionId partition,
                                            uint64_t number) {
  v1::AuditRecord record;
  if (!view.load(Family::state, key::audit_record(partition, number), record)) return std::nullopt;
  return record;
}

std::vector<uint64_t> audit_numbers(const View& view, PartitionId partition, uint64_t account_id,
                                    uint64_t after, size_t limit) {
  std::vector<uint64_t> numbers;
  if (limit == 0 || after == ~uint64_t{0}) return numbers;
  if (account_id == 0) {
    const uint64_t size = audit_size(view, partition);
    while (after < size && numbers.size() < limit) numbers.push_back(++after);
    return numbers;
  }
  view.scan(Family::state, key::audit_subject(partition, account_id, after + 1),
            key::end_of(key::audit_subject_prefix(partition, account_id)),
            [&](std::string_view key, std::string_view) {
              const auto number = key::parse_u64(key.substr(key.size() - sizeof(uint64_t)));
              if (number) numbers.push_back(*number);
              return numbers.size() < limit;
            });
  return numbers;
}

v1::AuditOpening audit_opening(const View& view, const v1::AuditRecord& record) {
  const auto partition = partition_of(record);
  const auto act = load_act(view, partition, record.seq());
  const auto& kept = act.private_part.audit_kept();
  const auto salt = [&](Label label, const store::AuditField& field) {
    return salt_of(label, field, act.entry.redacted, act.entry.salt);
  };
  v1::AuditOpening opening;
  opening.set_actor_salt(salt(Label::actor, kept.actor()));
  if (!opening.actor_salt().empty()) opening.set_actor(actor_of(act.event));
  opening.set_subject_salt(salt(Label::subject, kept.subject()));
  if (!opening.subject_salt().empty()) {
    opening.set_subject(subject_of(act.event, view, partition));
  }
  opening.set_details_salt(salt(Label::details, kept.details()));
  if (!opening.details_salt().empty()) opening.set_details(details_of(act.event));
  return opening;
}

uint64_t audit_size(const View& view, PartitionId partition) {
  return tree_of(view, partition).size();
}

Digest audit_root(const View& view, PartitionId partition, uint64_t size) {
  return root_over(view, partition, 0, size);
}

std::vector<std::string> audit_path(const View& view, PartitionId partition, uint64_t number,
                                    uint64_t size) {
  assert(number >= 1 && number <= size);
  // From the root down, then turned round.
  std::vector<std::string> path;
  const uint64_t leaf = number - 1;
  for (uint64_t from = 0, to = size; to - from > 1;) {
    const uint64_t split = from + std::bit_floor(to - from - 1);
    if (leaf < split) {
      add_root(path, view, partition, split, to);
      to = split;
    } else {
      add_root(path, view, partition, from, split);
      from = split;
    }
  }
  return {path.rbegin(), path.rend()};
}

std::vector<std::string> audit_consistency(const View& view, PartitionId partition, uint64_t from,
                                           uint64_t to) {
  assert(from >= 1 && from <= to);
  std::vector<std::string> path;
  // `whole`: the tree of `from` leaves is this very subtree so far, and its root is known to the asker.
  uint64_t first = 0;
  uint64_t last = to;
  bool whole = true;
  while (from != last) {
    const uint64_t split = first + std::bit_floor(last - first - 1);
    if (from <= split) {
      add_root(path, view, partition, split, last);
      last = split;
    } else {
      add_root(path, view, partition, first, split);
      first = split;
      whole = false;
    }
  }
  if (!whole) add_root(path, view, partition, first, last);
  return {path.rbegin(), path.rend()};
}

v1::AuditHead audit_head(const View& view, PartitionId partition, uint64_t size, uint64_t epoch) {
  const auto last = audit_record(view, partition, size);
  if (!last) throw Error("no record " + std::to_string(size) + " of " + to_string(partition));
  v1::AuditHead head;
  *head.mutable_stream() = stream_of(partition);
  head.set_epoch(epoch);
  head.set_size(size);
  const auto root = audit_root(view, partition, size);
  head.set_root(root.data(), root.size());
  head.set_seq(last->seq());
  head.set_entry_hash(last->entry_hash());
  head.set_time_ms(last->time_ms());
  return head;
}

Digest leaf_of(const v1::AuditRecord& record) {
  std::string bytes = "amicale audit record";
  append_be(bytes, kFormatOfHashes);
  append_be(bytes, static_cast<uint8_t>(record.stream().kind()));
  append_be(bytes, record.stream().id());
  append_be(bytes, record.number());
  append_be(bytes, record.seq());
  append_be(bytes, static_cast<uint64_t>(record.time_ms()));
  append_be(bytes, record.act());
  append_be(bytes, static_cast<uint8_t>(record.automatic() ? 1 : 0));
  for (const auto* hash : {&record.previous(), &record.entry_hash(), &record.actor(),
                           &record.subject(), &record.details()}) {
    assert(hash->size() == kHashBytes);
    bytes += *hash;
  }
  return Sha256::of_thread().add(labelled(Label::leaf)).add(bytes).finish();
}

std::string signed_bytes(const v1::AuditHead& head) {
  std::string bytes = "amicale audit head";
  append_be(bytes, kFormatOfHashes);
  append_be(bytes, static_cast<uint8_t>(head.stream().kind()));
  append_be(bytes, head.stream().id());
  append_be(bytes, head.epoch());
  append_be(bytes, head.size());
  bytes += head.root();
  append_be(bytes, head.seq());
  bytes += head.entry_hash();
  append_be(bytes, static_cast<uint64_t>(head.time_ms()));
  return bytes;
}

std::string handover_bytes(std::string_view previous, std::string_view next, int64_t since_ms) {
  std::string bytes = "amicale audit key";
  append_be(bytes, kFormatOfHashes);
  bytes += previous;
  bytes += next;
  append_be(bytes, static_cast<uint64_t>(since_ms));
  return bytes;
}

}  // namespace amicale::storage
