// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/keys.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace amicale::storage {

TEST_CASE("byte order of log keys is partition, then seq, in numeric order") {
  std::vector<std::string> keys;
  for (const auto partition : {PartitionId::site(), PartitionId::club(1), PartitionId::club(2),
                               PartitionId::club(256), PartitionId::account(1)}) {
    for (const uint64_t seq : {1ull, 2ull, 255ull, 256ull, 1ull << 40, ~0ull}) {
      keys.push_back(key::log_entry(partition, seq));
    }
  }
  CHECK(std::ranges::is_sorted(keys));
}

TEST_CASE("what a key was made of comes back from it") {
  const auto direct = PartitionId::direct(direct_id_of(9, 5));
  const auto log = key::parse_log_entry(key::log_entry(direct, 77));
  REQUIRE(log);
  CHECK(log->partition == direct);
  CHECK(log->seq == 77);
  const auto message = key::parse_message(key::message(PartitionId::club(3), 4, 5));
  REQUIRE(message);
  CHECK(message->partition == PartitionId::club(3));
  CHECK(message->room_id == 4);
  CHECK(message->number == 5);
  const auto role = key::parse_role(key::role(3, 4, 5));
  REQUIRE(role);
  CHECK(role->club_id == 3);
  CHECK(role->account_id == 4);
  CHECK(role->seq == 5);
  const auto repeat =
      key::parse_idempotency(key::idempotency(PartitionId::site(), 6, "0123456789abcdef"));
  REQUIRE(repeat);
  CHECK(repeat->partition == PartitionId::site());
  CHECK(repeat->actor == 6);
  CHECK(repeat->client_msg_id == "0123456789abcdef");
  CHECK(key::parse_head(key::head(PartitionId::account(8))) == PartitionId::account(8));
  CHECK(key::parse_second_id(key::membership(1, 2)) == 2);
  const auto ref = key::parse_invitation_ref(key::invitation_ref(PartitionId::club(3), 9));
  REQUIRE(ref);
  CHECK(ref->partition == PartitionId::club(3));
  CHECK(ref->invitation_id == 9);
}

TEST_CASE("newer roles come first, so that one seek finds the role held at a seq") {
  CHECK(key::role(1, 2, 10) < key::role(1, 2, 9));
  CHECK(key::role(1, 2, 1) < key::role(1, 3, 99));
}

TEST_CASE("hostile bytes are no keys, and never read past their end") {
  std::mt19937_64 chance(7);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(chance() % 40, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(chance() % (round % 2 ? 256 : 5));
    if (const auto k = key::parse_log_entry(bytes)) {
      CHECK(key::log_entry(k->partition, k->seq) == bytes);
    }
    if (const auto k = key::parse_message(bytes)) {
      CHECK(key::message(k->partition, k->room_id, k->number) == bytes);
    }
    if (const auto k = key::parse_role(bytes)) {
      CHECK(key::role(k->club_id, k->account_id, k->seq) == bytes);
    }
    if (const auto k = key::parse_idempotency(bytes)) {
      CHECK(key::idempotency(k->partition, k->actor, k->client_msg_id) == bytes);
    }
    if (const auto k = key::parse_head(bytes)) CHECK(key::head(*k) == bytes);
    if (const auto k = key::parse_invitation_ref(bytes)) {
      CHECK(key::invitation_ref(k->partition, k->invitation_id) == bytes);
    }
    for (size_t family = 0; family < kFamilies; ++family) {
      CHECK_FALSE(key::describe(static_cast<Family>(family), bytes).empty());
    }
  }
}

TEST_CASE("the end of a prefix is after all of it and before all else") {
  CHECK(key::end_of(std::string("a\0", 2)) == std::string("a\1", 2));
  CHECK(key::end_of("a\xff") == "b");
  CHECK(key::end_of("\xff\xff").empty());
  CHECK(key::log_entry(PartitionId::club(~0ull), ~0ull) <
        key::end_of(key::log_prefix(PartitionId::club(~0ull))));
}

TEST_CASE("a partition has one name, and only valid ones are read back") {
  for (const auto partition : {PartitionId::site(), PartitionId::club(12), PartitionId::account(7),
                               PartitionId::direct(direct_id_of(2, 1))}) {
    CHECK(parse_partition(to_string(partition)) == partition);
    CHECK(partition_of(stream_of(partition)) == partition);
  }
  CHECK(to_string(PartitionId::club(12)) == "club/12");
  for (const auto* wrong :
       {"", "club", "club/", "club/0", "club/x", "club/1x", "club/-1", "site/1", "direct/5",
        "direct/8589934594", "room/1", "club/007", "club/99999999999999999999999"}) {
    CHECK_FALSE(parse_partition(wrong));
  }
}

}  // namespace amicale::storage
