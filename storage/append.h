// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A commit: log entries, the head, and every row derived from them, in one batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "amicale/v1/event.pb.h"
#include "storage/batch.h"
#include "storage/entry.h"
#include "storage/event_run.h"
#include "store/log.pb.h"
#include "store/rows.pb.h"

namespace amicale::storage {

// One event to append. The caller sets the event's time, actor, client_msg_id and body; seq is set
// here. The private part is completed here.
struct NewEntry {
  v1::Event& event;
  Audience audience;
  store::PrivatePart& private_part;
};

// What a repeat of the command must be answered with. Kept in the first entry, so that replay finds
// it again. In a commit whose entries bring different client_msg_ids (an import), each run of one id
// gets a row of its own, whose object_id is its message's number.
struct Origin {
  uint32_t request_kind = 0;  // v1::ClientFrame body case; 0 = a repeat will not be recognised
  uint64_t object_id = 0;
  std::vector<uint64_t> numbers = {};
};

// Appends one command's events after `head`, which moves along, and applies them. The events, as
// stored and sent, are added to `run` (which is empty or ends at head.seq). Head is the partition's
// HeadRow as of the batch. A MessageDeleted also redacts, in the log, every text that the message
// had, and lists these entries in `run`: the deleted words are in no path any more.
// Returns what to answer; `first_seq` 0 when `entries` is empty.
v1::Committed append(Batch& batch, PartitionId partition, store::HeadRow& head,
                     std::span<NewEntry> entries, const Origin& origin, EventRun& run);

// Replaces an entry's contents by what may stay; its hash, and so the chain, stays. The event must be
// the same with less in it. Returns it as it is framed from now on. Throws Error when there is no such
// entry.
std::string redact(Batch& batch, PartitionId partition, uint64_t seq, const v1::Event& event,
                   const store::PrivatePart& private_part);

}  // namespace amicale::storage
