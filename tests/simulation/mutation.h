// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "server/log/published.h"
#include "storage/batch.h"

namespace amicale::simulation {

class Truth;

// A defect put into a world through its seams: the log, the batch on its way there, what is published, the frames on both ends
// of a wire. The product's own code is not touched. A world without one has the defects of the product alone.
struct Mutation {
  std::string name;
  std::string promise;  // whose check must find it

  // What a commit writes, before it is written.
  std::function<void(storage::Batch&, storage::PartitionId)> batch{};
  // Whether a commit is told to the hubs, and how often.
  std::function<int(const log::Published&)> published{};
  // A frame between a session and its wire. `account` is whose connection it is.
  std::function<void(v1::ServerFrame&, uint64_t account, const Truth&)> server_frame{};
  // The same between a wire and the SDK. `connection` tells the connections apart.
  std::function<void(v1::ServerFrame&, uint64_t connection)> client_frame{};

  bool acknowledges_before_durable = false;
  bool loses_last_write_on_reopening = false;
  bool acknowledges_after_failed_sync = false;
  bool tears_writes = false;  // a crash keeps one family's half of a write
  bool waits_for_no_shard = false;
  bool keeps_revoked_open = false;
};

// Every mutation. Made anew for each world: some remember what they saw.
std::vector<Mutation> mutations();

}  // namespace amicale::simulation
