// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/rebuild.h"

#include <google/protobuf/arena.h>

#include <chrono>
#include <optional>

#include "storage/apply.h"
#include "storage/entry.h"
#include "storage/log_reader.h"

namespace amicale::storage {

namespace {

constexpr size_t kBatchBytes = 4 << 20;  // of rows in one write: large enough to hide its fsync

// Partitions that have at least one entry, in key order, by jumping from one to the next.
std::vector<PartitionId> logged_partitions(const View& view) {
  std::vector<PartitionId> found;
  std::string from;
  while (true) {
    std::optional<PartitionId> next;
    view.scan(Family::log, from, {}, [&](std::string_view key, std::string_view) {
      const auto at = key::parse_log_entry(key);
      if (!at) throw Error("no log key: " + key::describe(Family::log, key));
      next = at->partition;
      return false;
    });
    if (!next) return found;
    found.push_back(*next);
    from = key::end_of(key::log_prefix(*next));
  }
}

// The entry's event becomes rows. Returns the event's time.
int64_t apply_entry(Batch& batch, PartitionId partition, const FullEntry& full) {
  google::protobuf::Arena arena;
  auto& event = *google::protobuf::Arena::CreateMessage<v1::Event>(&arena);
  auto& part = *google::protobuf::Arena::CreateMessage<store::PrivatePart>(&arena);
  const auto bytes = unframe_event(full.entry.public_bytes);
  if (!bytes || !event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) ||
      !part.ParseFromArray(full.entry.private_bytes.data(),
                           static_cast<int>(full.entry.private_bytes.size())) ||
      event.seq() != full.seq) {
    throw Error("log of " + to_string(partition) + ", seq " + std::to_string(full.seq) +
                ": the event does not parse");
  }
  apply(batch, partition, event, part, {.salt = full.entry.salt, .hash = bytes_of(full.hash)});
  return event.time_ms();
}

void drop_rows(Database& database, const Progress& progress) {
  const View view(database);
  for (const Family family : kDerived) {
    uint64_t dropped = 0;
    for (bool more = true; more;) {
      more = false;
      Batch batch(database);
      view.scan(family, {}, {}, [&](std::string_view key, std::string_view) {
        batch.erase(family, key);
        ++dropped;
        more = batch.bytes() > kBatchBytes;
        return !more;
      });
      if (!batch.empty()) database.write(batch);
      if (progress) progress("dropping rows of " + std::string(name_of(family)), dropped, 0);
    }
  }
}

}  // namespace

std::vector<Replayed> replay(const View& from, Database& into, const Progress& progress) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kTellEvery = std::chrono::milliseconds(250);
  std::vector<Replayed> all;
  const auto partitions = logged_partitions(from);
  Batch batch(into);
  auto told = Clock::now();
  for (const auto partition : partitions) {
    auto& replayed = all.emplace_back();
    replayed.partition = partition;
    store::HeadRow head;
    try {
      walk_log(from, partition, [&](const FullEntry& entry) {
        head.set_time_ms(apply_entry(batch, partition, entry));
        head.set_seq(entry.seq);
        head.set_hash(entry.hash.data(), entry.hash.size());
        ++replayed.entries;
        if (batch.bytes() > kBatchBytes) {
          into.write(batch);
          batch.clear();
        }
        return true;
      });
    } catch (const WriteFailed&) {
      throw;
    } catch (const Error& e) {
      replayed.problem = e.what();
    }
    if (head.seq() != 0) batch.put(Family::state, key::head(partition), head);
    if (progress && Clock::now() - told >= kTellEvery) {
      told = Clock::now();
      progress("replaying logs", all.size(), partitions.size());
    }
  }
  if (!batch.empty()) into.write(batch);
  if (progress) progress("replaying logs", all.size(), partitions.size());
  return all;
}

void rebuild(Database& database, const Progress& progress) {
  Batch begin(database);
  begin.put(Family::meta, "rebuild", std::string_view("1"));
  database.write(begin);
  drop_rows(database, progress);
  for (const auto& replayed : replay(View(database), database, progress)) {
    if (!replayed.problem.empty()) throw Error(replayed.problem);
  }
  Batch end(database);
  end.erase(Family::meta, "rebuild");
  database.write(end);
}

}  // namespace amicale::storage
