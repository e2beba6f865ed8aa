// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/append.h"

#include <algorithm>
#include <cassert>

#include "storage/apply.h"
#include "storage/audit.h"
#include "storage/view.h"

namespace amicale::storage {

namespace {

// Says in the first entry of every run of one client_msg_id what a repeat must be answered with. An
// ordinary command is one such run; an import has a run for each message.
void note_origin(std::span<NewEntry> entries, const Origin& origin) {
  if (origin.request_kind == 0) return;
  const auto id = [&](size_t i) -> const std::string& { return entries[i].event.client_msg_id(); };
  for (size_t start = 0; start < entries.size();) {
    size_t end = start + 1;
    while (end < entries.size() && id(end) == id(start)) ++end;
    auto& part = entries[start].private_part;
    if (!id(start).empty()) {
      const bool whole = end - start == entries.size();
      part.set_request_kind(origin.request_kind);
      part.set_commit_entries(static_cast<uint32_t>(end - start));
      const auto& event = entries[start].event;
      part.set_object_id(!whole && event.has_message_posted() ? event.message_posted().number()
                                                              : origin.object_id);
      if (whole) part.mutable_numbers()->Assign(origin.numbers.begin(), origin.numbers.end());
    }
    start = end;
  }
}

EntryView load_entry(const View& view, PartitionId partition, uint64_t seq, std::string& value) {
  const auto key = key::log_entry(partition, seq);
  if (!view.get(Family::log, key, value)) {
    throw Error("no entry: " + key::describe(Family::log, key));
  }
  const auto entry = decode_entry(value);
  if (!entry) throw Error("entry does not parse: " + key::describe(Family::log, key));
  return *entry;
}

v1::Event parse_event(const EntryView& entry, PartitionId partition, uint64_t seq) {
  v1::Event event;
  const auto bytes = unframe_event(entry.public_bytes);
  if (!bytes || !event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
    throw Error("event does not parse: " +
                key::describe(Family::log, key::log_entry(partition, seq)));
  }
  return event;
}

// The entry that last said what a message says: its post, an edit, or its return.
uint64_t last_said(const v1::Message& message) {
  return std::max({message.seq(), message.edited_seq(), message.restored_seq()});
}

// A message that was held before it was released said the same words there.
void redact_held(Batch& batch, PartitionId partition, uint64_t seq, EventRun& run) {
  std::string value;
  const View view(batch);
  const auto entry = load_entry(view, partition, seq, value);
  auto event = parse_event(entry, partition, seq);
  store::PrivatePart private_part;
  private_part.ParseFromArray(entry.private_bytes.data(),
                              static_cast<int>(entry.private_bytes.size()));
  event.mutable_message_held()->clear_body();
  event.mutable_message_held()->clear_mentions();
  keep_openings(entry, private_part);
  run.redacted.push_back({seq, redact(batch, partition, seq, event, private_part)});
  if (auto held = view.held(partition.id, event.message_held().held_id())) {
    held->clear_body();
    held->clear_mentions();
    batch.put(Family::state, key::held(partition.id, held->held_id()), *held);
  }
}

// Takes a deleted message's words out of the entries that said them. What moderators may need stays in
// the private parts.
void redact_texts(Batch& batch, PartitionId partition, const v1::Message& message, EventRun& run) {
  const View view(batch);
  uint64_t seq = last_said(message);
  while (true) {
    std::string value;
    const auto entry = load_entry(view, partition, seq, value);
    auto event = parse_event(entry, partition, seq);
    store::PrivatePart private_part;
    private_part.ParseFromArray(entry.private_bytes.data(),
                                static_cast<int>(entry.private_bytes.size()));
    if (event.has_message_posted()) {
      event.mutable_message_posted()->clear_body();
      event.mutable_message_posted()->clear_mentions();
    } else if (event.has_message_edited()) {
      event.mutable_message_edited()->clear_body();
      event.mutable_message_edited()->clear_mentions();
    } else if (event.has_message_restored()) {
      event.mutable_message_restored()->clear_body();
      event.mutable_message_restored()->clear_mentions();
      keep_openings(entry, private_part);
    }
    run.redacted.push_back({seq, redact(batch, partition, seq, event, private_part)});
    if (private_part.held_seq() != 0) redact_held(batch, partition, private_part.held_seq(), run);
    if (seq == message.seq()) return;
    seq = private_part.previous_edit_seq() != 0 ? private_part.previous_edit_seq() : message.seq();
  }
}

// What only the rows before the event know: read before it is applied.
void complete(Batch& batch, PartitionId partition, NewEntry& entry, EventRun& run) {
  const View view(batch);
  if (entry.event.has_message_edited()) {
    const auto& e = entry.event.message_edited();
    if (const auto message = view.message(partition, e.room_id(), e.number())) {
      entry.private_part.set_previous_edit_seq(
          std::max(message->edited_seq(), message->restored_seq()));
    }
  } else if (entry.event.has_message_restored()) {
    const auto& e = entry.event.message_restored();
    if (const auto message = view.message(partition, e.room_id(), e.number())) {
      entry.private_part.set_previous_edit_seq(
          std::max(message->edited_seq(), message->restored_seq()));
    }
  } else if (entry.event.has_message_deleted()) {
    const auto& e = entry.event.message_deleted();
    const auto message = view.message(partition, e.room_id(), e.number());
    if (message && !message->deleted()) redact_texts(batch, partition, *message, run);
  }
}

}  // namespace

v1::Committed append(Batch& batch, PartitionId partition, store::HeadRow& head,
                     std::span<NewEntry> entries, const Origin& origin, EventRun& run) {
  assert(is_valid(partition));
  v1::Committed committed;
  *committed.mutable_stream() = stream_of(partition);
  committed.set_object_id(origin.object_id);
  if (entries.empty()) return committed;
  if (run.empty()) run.first_seq = head.seq() + 1;
  assert(run.first_seq + run.items.size() == head.seq() + 1);

  if (head.hash().size() != sizeof(Digest)) head.set_hash(std::string(sizeof(Digest), '\0'));
  note_origin(entries, origin);
  committed.set_first_seq(head.seq() + 1);
  std::string value;
  std::string private_bytes;
  char salt[16];
  for (auto& entry : entries) {
    const uint64_t seq = head.seq() + 1;
    entry.event.set_seq(seq);
    complete(batch, partition, entry, run);

    const size_t start = run.bytes.size();
    frame_event(entry.event, run.bytes);
    run.items.push_back({entry.audience, static_cast<uint32_t>(run.bytes.size())});
    private_bytes.clear();
    entry.private_part.AppendToString(&private_bytes);
    fill_random(salt, sizeof salt);

    EntryView stored;
    stored.audience = entry.audience;
    stored.prev_hash = head.hash();
    stored.salt = {salt, sizeof salt};
    stored.public_bytes = std::string_view(run.bytes).substr(start);
    stored.private_bytes = private_bytes;
    value.clear();
    encode_entry(stored, value);
    batch.put(Family::log, key::log_entry(partition, seq), value);

    const auto hash = hash_entry(partition, seq, stored);
    head.set_seq(seq);
    head.set_hash(hash.data(), hash.size());
    head.set_time_ms(entry.event.time_ms());
    run.acts |= apply(batch, partition, entry.event, entry.private_part,
                      {.salt = stored.salt, .hash = bytes_of(hash)});
  }
  tell_author(entries.front().event, entries.front().private_part, committed);
  batch.put(Family::state, key::head(partition), head);
  committed.set_last_seq(head.seq());
  committed.set_time_ms(head.time_ms());
  return committed;
}

std::string redact(Batch& batch, PartitionId partition, uint64_t seq, const v1::Event& event,
                   const store::PrivatePart& private_part) {
  std::string value;
  const auto entry = load_entry(View(batch), partition, seq, value);
  std::string public_bytes;
  frame_event(event, public_bytes);
  batch.put(Family::log, key::log_entry(partition, seq),
            redact_entry(entry, public_bytes, private_part.SerializeAsString()));
  return public_bytes;
}

}  // namespace amicale::storage
