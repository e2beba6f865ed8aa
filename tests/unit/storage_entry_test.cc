// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/entry.h"

#include <random>

#include "amicale/v1/frame.pb.h"
#include "storage/log_reader.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

using storage_test::options_in;
using storage_test::TempFolder;
using storage_test::text;

namespace {

constexpr std::string_view kPrevious = "previous-hash-of-just-32-bytes!!";
constexpr std::string_view kSalt = "sixteen-bytes-ok";

EntryView sample(std::string_view framed) {
  EntryView entry;
  entry.audience = {0x7e, 42};
  entry.prev_hash = kPrevious;
  entry.salt = kSalt;
  entry.public_bytes = framed;
  entry.private_bytes = "private";
  return entry;
}

std::string framed(const std::string& fields) {
  std::string out;
  frame_event(text<v1::Event>(fields), out);
  return out;
}

}  // namespace

TEST_CASE("an entry comes back as it was encoded") {
  const auto event = framed("seq: 1 message_posted { body: 'hi' }");
  std::string value;
  encode_entry(sample(event), value);
  const auto back = decode_entry(value);
  REQUIRE(back);
  CHECK_FALSE(back->redacted);
  CHECK(back->audience == Audience{0x7e, 42});
  CHECK(back->prev_hash == kPrevious);
  CHECK(back->salt == kSalt);
  CHECK(back->public_bytes == event);
  CHECK(back->private_bytes == "private");
}

TEST_CASE("a run of framed events is a valid piece of a StreamBatch") {
  std::string bytes = framed("seq: 1 message_posted { body: 'one' }") +
                      framed("seq: 2 message_posted { body: '" + std::string(300, 'x') + "' }");
  v1::StreamBatch batch;
  REQUIRE(batch.ParseFromString(bytes));
  REQUIRE(batch.events_size() == 2);
  CHECK(batch.events(0).seq() == 1);
  CHECK(batch.events(1).message_posted().body().size() == 300);
}

TEST_CASE("an event is unframed only from exactly one frame") {
  const auto event = text<v1::Event>("seq: 9 message_posted { body: 'one' }");
  const auto frame = framed("seq: 9 message_posted { body: 'one' }");
  const auto inside = unframe_event(frame);
  REQUIRE(inside);
  CHECK(*inside == event.SerializeAsString());
  CHECK_FALSE(unframe_event(""));
  CHECK_FALSE(unframe_event(frame.substr(0, frame.size() - 1)));
  CHECK_FALSE(unframe_event(frame + "x"));
  CHECK_FALSE(unframe_event("\x22" + frame.substr(1)));
}

TEST_CASE("hostile bytes are no entry, and never read past their end") {
  std::string value;
  encode_entry(sample(framed("seq: 1")), value);
  for (size_t size = 0; size < value.size(); ++size) {
    const auto cut = decode_entry(std::string_view(value).substr(0, size));
    if (cut) CHECK(cut->private_bytes.size() < std::string_view("private").size());
  }
  std::mt19937_64 chance(7);
  for (int round = 0; round < 20000; ++round) {
    auto bytes = value;
    for (int i = 0; i < 3; ++i) bytes[chance() % bytes.size()] = static_cast<char>(chance());
    if (const auto entry = decode_entry(bytes)) {
      std::string again;
      encode_entry(*entry, again);
      CHECK(again == bytes);
    }
  }
}

TEST_CASE("the hash covers every part of an entry and its place") {
  const auto event = framed("seq: 1 message_posted { body: 'hi' }");
  const auto entry = sample(event);
  const auto club = PartitionId::club(1);
  const auto hash = hash_entry(club, 1, entry);
  CHECK(hash_entry(club, 1, entry) == hash);
  CHECK(hash_entry(club, 2, entry) != hash);
  CHECK(hash_entry(PartitionId::club(2), 1, entry) != hash);
  auto other = entry;
  other.audience.roles ^= 1;
  CHECK(hash_entry(club, 1, other) != hash);
  other = entry;
  other.audience.account = 43;
  CHECK(hash_entry(club, 1, other) != hash);
  other = entry;
  other.private_bytes = "privatf";
  CHECK(hash_entry(club, 1, other) != hash);
  other = entry;
  const auto changed = framed("seq: 1 message_posted { body: 'ho' }");
  other.public_bytes = changed;
  CHECK(hash_entry(club, 1, other) != hash);
  other = entry;
  other.prev_hash = "another-hash-of-just-32-bytes!!!";
  CHECK(hash_entry(club, 1, other) != hash);
}

TEST_CASE("redaction takes contents and salt away and keeps the hash, also twice") {
  const auto event = framed("seq: 1 message_posted { body: 'regrettable' }");
  const auto entry = sample(event);
  const auto hash = hash_entry(PartitionId::club(1), 1, entry);
  const auto once = redact_entry(entry, framed("seq: 1 message_posted {}"), "kept");
  CHECK(once.find("regrettable") == std::string::npos);
  CHECK(once.find(kSalt) == std::string::npos);
  const auto left = decode_entry(once);
  REQUIRE(left);
  CHECK(left->redacted);
  CHECK(left->private_bytes == "kept");
  CHECK(hash_entry(PartitionId::club(1), 1, *left) == hash);
  const auto twice = redact_entry(*left, "", "");
  const auto nothing = decode_entry(twice);
  REQUIRE(nothing);
  CHECK(hash_entry(PartitionId::club(1), 1, *nothing) == hash);
}

TEST_CASE("the log is read in order, within its bounds, with each event's audience") {
  const TempFolder folder;
  Database database(options_in(folder.path()));
  storage_test::tell_everything(database);
  const View view(database);
  const auto club = PartitionId::club(1);
  const auto head = view.head(club).seq();

  const auto all = read_log(view, club, 1);
  CHECK(all.first_seq == 1);
  CHECK(all.last_seq() == head);
  v1::StreamBatch batch;
  REQUIRE(batch.ParseFromString(all.bytes));
  for (int i = 0; i < batch.events_size(); ++i) {
    CHECK(batch.events(i).seq() == static_cast<uint64_t>(i + 1));
    v1::StreamBatch one;
    REQUIRE(one.ParseFromString(std::string(all.framed(static_cast<size_t>(i)))));
    CHECK(one.events(0).seq() == static_cast<uint64_t>(i + 1));
  }
  CHECK(read_log(view, club, 3, {.max_entries = 2}).last_seq() == 4);
  CHECK(read_log(view, club, 3, {.max_bytes = 1}).items.size() == 1);
  CHECK(read_log(view, club, head + 1).empty());
  CHECK(read_log(view, PartitionId::club(99), 1).empty());
}

TEST_CASE("a hole in the log and a broken link are found where they are") {
  const TempFolder folder;
  Database database(options_in(folder.path()));
  storage_test::tell_everything(database);
  const auto club = PartitionId::club(1);
  {
    Batch batch(database);
    batch.erase(Family::log, key::log_entry(club, 5));
    CHECK_THROWS_WITH_AS(read_log(View(batch), club, 1),
                         "log of club/1, seq 5: the entry is missing", Error);
    CHECK(read_log(View(batch), club, 6).first_seq == 6);
  }
  {
    Batch batch(database);
    std::string value;
    View(database).get(Family::log, key::log_entry(club, 5), value);
    value.back() = static_cast<char>(value.back() ^ 1);
    batch.put(Family::log, key::log_entry(club, 5), value);
    CHECK_THROWS_WITH_AS(walk_log(View(batch), club, [](const FullEntry&) { return true; }),
                         "log of club/1, seq 6: the entry is not chained to the one before", Error);
  }
}

}  // namespace amicale::storage
