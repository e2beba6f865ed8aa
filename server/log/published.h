// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "storage/event_run.h"
#include "storage/partition.h"

namespace amicale::log {

// The events of one durable commit, serialised once: the very bytes of the log. Shared between shards, never changed.
struct Published {
  storage::PartitionId partition;
  storage::EventRun events;
};

// Receives every commit of the partitions of one shard, on that shard, in order, after it is durable.
using Publisher = std::function<void(std::shared_ptr<const Published>)>;

}  // namespace amicale::log
