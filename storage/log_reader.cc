// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/log_reader.h"

#include <algorithm>
#include <cassert>

namespace amicale::storage {

namespace {

[[noreturn]] void broken(PartitionId partition, uint64_t seq, const std::string& what) {
  throw Error("log of " + to_string(partition) + ", seq " + std::to_string(seq) + ": " + what);
}

// Visits the entries of a partition from `from_seq` on; each must follow the one before.
void each_entry(const View& view, PartitionId partition, uint64_t from_seq,
                const std::function<bool(uint64_t, const EntryView&)>& visit) {
  uint64_t expected = from_seq;
  view.scan(Family::log, key::log_entry(partition, from_seq),
            key::end_of(key::log_prefix(partition)),
            [&](std::string_view key, std::string_view value) {
              const auto at = key::parse_log_entry(key);
              if (!at || at->seq != expected) broken(partition, expected, "the entry is missing");
              const auto entry = decode_entry(value);
              if (!entry) broken(partition, expected, "the entry does not parse");
              ++expected;
              return visit(at->seq, *entry);
            });
}

}  // namespace

EventRun read_log(const View& view, PartitionId partition, uint64_t from_seq, ReadBounds bounds) {
  EventRun run;
  run.first_seq = std::max<uint64_t>(from_seq, 1);
  if (bounds.max_entries == 0) return run;
  each_entry(view, partition, run.first_seq, [&](uint64_t, const EntryView& entry) {
    if (!run.empty() && run.bytes.size() + entry.public_bytes.size() > bounds.max_bytes) {
      return false;
    }
    run.bytes.append(entry.public_bytes);
    run.items.push_back({entry.audience, static_cast<uint32_t>(run.bytes.size())});
    return run.items.size() < bounds.max_entries;
  });
  return run;
}

void walk_log(const View& view, PartitionId partition,
              const std::function<bool(const FullEntry&)>& visit) {
  Digest previous{};
  each_entry(view, partition, 1, [&](uint64_t seq, const EntryView& entry) {
    if (entry.prev_hash != bytes_of(previous)) {
      broken(partition, seq, "the entry is not chained to the one before");
    }
    previous = hash_entry(partition, seq, entry);
    return visit({seq, entry, previous});
  });
}

void read_recent(const View& view, PartitionId partition, int64_t since_ms, size_t most,
                 const std::function<void(const v1::Event&, const store::PrivatePart&)>& visit) {
  std::vector<std::pair<v1::Event, store::PrivatePart>> newest_first;
  const auto head = view.head(partition).seq();
  if (head == 0) return;
  view.scan_back(
      Family::log, key::log_entry(partition, head), key::log_prefix(partition),
      [&](std::string_view key, std::string_view value) {
        const auto at = key::parse_log_entry(key);
        const auto entry = decode_entry(value);
        if (!at || !entry) broken(partition, at ? at->seq : 0, "the entry does not parse");
        const auto bytes = unframe_event(entry->public_bytes);
        auto& [event, private_part] = newest_first.emplace_back();
        if (!bytes || !event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) ||
            !private_part.ParseFromArray(entry->private_bytes.data(),
                                         static_cast<int>(entry->private_bytes.size()))) {
          broken(partition, at->seq, "the entry does not parse");
        }
        if (event.time_ms() <= since_ms) {
          newest_first.pop_back();
          return false;
        }
        return newest_first.size() < most;
      });
  for (auto entry = newest_first.rbegin(); entry != newest_first.rend(); ++entry) {
    visit(entry->first, entry->second);
  }
}

std::optional<store::PrivatePart> read_private(const View& view, PartitionId partition,
                                               uint64_t seq) {
  std::string value;
  if (!view.get(Family::log, key::log_entry(partition, seq), value)) return std::nullopt;
  const auto entry = decode_entry(value);
  store::PrivatePart part;
  if (!entry || !part.ParseFromArray(entry->private_bytes.data(),
                                     static_cast<int>(entry->private_bytes.size()))) {
    broken(partition, seq, "the entry does not parse");
  }
  return part;
}

}  // namespace amicale::storage
