// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Names one partition: the unit that has its own log and its own order.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "amicale/v1/common.pb.h"

namespace amicale::storage {

struct PartitionId {
  v1::StreamKind kind = v1::STREAM_KIND_UNSPECIFIED;
  uint64_t id = 0;

  static PartitionId site() { return {v1::STREAM_KIND_SITE, 1}; }
  static PartitionId club(uint64_t id) { return {v1::STREAM_KIND_CLUB, id}; }
  static PartitionId account(uint64_t id) { return {v1::STREAM_KIND_ACCOUNT, id}; }
  static PartitionId direct(uint64_t id) { return {v1::STREAM_KIND_DIRECT, id}; }

  friend auto operator<=>(const PartitionId&, const PartitionId&) = default;
};

// True for the four known kinds with an id that can exist: 1 for the site, two different accounts
// in order for a direct conversation, not 0 otherwise.
bool is_valid(PartitionId partition);

// From the wire: nothing when the stream is not valid in the sense above.
std::optional<PartitionId> partition_of(const v1::StreamId& stream);
v1::StreamId stream_of(PartitionId partition);

// "site", "club/12", "account/7", "direct/4294967298".
std::string to_string(PartitionId partition);
std::optional<PartitionId> parse_partition(std::string_view text);

// The one direct conversation of two accounts: (lower << 32) | higher. Both below 2^32, not equal.
uint64_t direct_id_of(uint64_t one_account, uint64_t other_account);
struct DirectSides {
  uint64_t lower;
  uint64_t higher;
};
DirectSides sides_of(uint64_t direct_id);

}  // namespace amicale::storage

template <>
struct std::hash<amicale::storage::PartitionId> {
  size_t operator()(const amicale::storage::PartitionId& p) const noexcept {
    // Fibonacci hashing: ids are small and consecutive, the top bits must still spread.
    return (p.id * 4 + static_cast<uint64_t>(p.kind)) * 0x9E3779B97F4A7C15ull;
  }
};
