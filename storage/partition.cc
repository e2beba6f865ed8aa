// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/partition.h"

#include <array>
#include <cassert>
#include <charconv>

namespace amicale::storage {

namespace {

struct KindName {
  v1::StreamKind kind;
  std::string_view name;
};
constexpr std::array<KindName, 4> kKindNames{{{v1::STREAM_KIND_SITE, "site"},
                                              {v1::STREAM_KIND_CLUB, "club"},
                                              {v1::STREAM_KIND_ACCOUNT, "account"},
                                              {v1::STREAM_KIND_DIRECT, "direct"}}};

}  // namespace

bool is_valid(PartitionId partition) {
  switch (partition.kind) {
    case v1::STREAM_KIND_SITE: return partition.id == 1;
    case v1::STREAM_KIND_CLUB:
    case v1::STREAM_KIND_ACCOUNT: return partition.id != 0;
    case v1::STREAM_KIND_DIRECT: {
      const auto sides = sides_of(partition.id);
      return sides.lower != 0 && sides.lower < sides.higher;
    }
    default: return false;
  }
}

std::optional<PartitionId> partition_of(const v1::StreamId& stream) {
  const PartitionId partition{stream.kind(), stream.id()};
  if (!is_valid(partition)) return std::nullopt;
  return partition;
}

v1::StreamId stream_of(PartitionId partition) {
  v1::StreamId stream;
  stream.set_kind(partition.kind);
  stream.set_id(partition.id);
  return stream;
}

std::string to_string(PartitionId partition) {
  for (const auto& [kind, name] : kKindNames) {
    if (kind != partition.kind) continue;
    if (kind == v1::STREAM_KIND_SITE) return "site";
    return std::string(name) + "/" + std::to_string(partition.id);
  }
  return "kind" + std::to_string(static_cast<int>(partition.kind)) + "/" +
         std::to_string(partition.id);
}

std::optional<PartitionId> parse_partition(std::string_view text) {
  if (text == "site") return PartitionId::site();
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto word = text.substr(0, slash);
  const auto digits = text.substr(slash + 1);
  PartitionId partition;
  for (const auto& [kind, name] : kKindNames) {
    if (name == word) partition.kind = kind;
  }
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), partition.id);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  // One spelling each: neither "site/1" nor "club/007".
  if (!is_valid(partition) || to_string(partition) != text) return std::nullopt;
  return partition;
}

uint64_t direct_id_of(uint64_t one_account, uint64_t other_account) {
  assert(one_account != other_account);
  assert((one_account >> 32) == 0 && (other_account >> 32) == 0);
  const auto lower = std::min(one_account, other_account);
  const auto higher = std::max(one_account, other_account);
  return (lower << 32) | higher;
}

DirectSides sides_of(uint64_t direct_id) { return {direct_id >> 32, direct_id & 0xFFFFFFFFu}; }

}  // namespace amicale::storage
