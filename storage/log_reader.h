// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

#include "storage/entry.h"
#include "storage/event_run.h"
#include "storage/view.h"

namespace amicale::storage {

struct ReadBounds {
  size_t max_entries = 1000;
  size_t max_bytes = 256 * 1024;  // of public bytes; one entry is always given, however large
};

// Events of one partition from `from_seq` (at least 1) on, as many as the bounds allow; empty past
// the head. For a blocking thread. Throws Error when the log has a hole or an entry does not parse.
EventRun read_log(const View& view, PartitionId partition, uint64_t from_seq,
                  ReadBounds bounds = {});

// Every entry of a partition in order, private part included, checked to be dense and, link by link,
// chained. `visit` returns false to stop. Throws Error naming the first seq that is wrong.
struct FullEntry {
  uint64_t seq;
  EntryView entry;  // gone after the call
  Digest hash;
};
void walk_log(const View& view, PartitionId partition,
              const std::function<bool(const FullEntry&)>& visit);

// The last entries of a partition that were made after `since_ms`, in order, at most `most`; what an
// entry was redacted of is empty. For a blocking thread.
void read_recent(const View& view, PartitionId partition, int64_t since_ms, size_t most,
                 const std::function<void(const v1::Event&, const store::PrivatePart&)>& visit);

// The private part of one entry, for staff and audit. Nothing when there is no such entry.
std::optional<store::PrivatePart> read_private(const View& view, PartitionId partition,
                                               uint64_t seq);

}  // namespace amicale::storage
