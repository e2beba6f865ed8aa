// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The one gate. Every change of state, whoever asks for it and by whatever way, is a command that goes through here into its
// partition: the rule decides there, on the state at that moment, and the log takes what it decided.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "server/auth/caller.h"
#include "server/auth/password.h"
#include "server/auth/throttle.h"
#include "server/log/partition.h"
#include "server/runtime/clock.h"
#include "storage/database.h"

namespace amicale::commands {

using auth::Caller;

template <class T>
using Answer = runtime::Task<domain::Result<T>>;

// What commands reach the world through. Outlives every session; shared by the shards, so everything in it is either constant,
// safe to call from any shard, or (the throttle) only touched on the shard that it belongs to.
struct Gate {
  log::Site& site;
  storage::Database& database;
  auth::Passwords& passwords;
  auth::LoginThrottle& throttle;  // on the home shard of the site's partition
  // Registrations under way by digest of their code; on the same shard.
  std::unordered_map<std::string, uint32_t>& registering;
  const runtime::Clock& clock;
  std::string public_url;  // where invitation links lead, without a trailing slash
  // Waits until every shard has acted on what was committed before: after it, a revoked device is cut everywhere.
  std::function<runtime::Task<>()> settled;
  const domain::antispam::Shield* shield = nullptr;  // null: messages are not judged

  storage::View view() const { return storage::View(database); }
};

using Decide = std::function<domain::Result<domain::Decision>(const log::Deciding&)>;

// A command that is one commit in one partition, ready for Site::submit. What its decision refers to outlives it.
struct Prepared {
  storage::PartitionId where;
  log::Command command;
};

// As a client's request: `client_msg_id` must be 16 bytes.
domain::Result<Prepared> prepare(const Caller& caller, storage::PartitionId where,
                                 v1::ClientFrame::BodyCase request,
                                 const std::string& client_msg_id, Decide decide);

// Commits as a client's request: `client_msg_id` must be 16 bytes.
Answer<log::Outcome> commit(Gate& gate, const Caller& caller, storage::PartitionId where,
                            v1::ClientFrame::BodyCase request, const std::string& client_msg_id,
                            Decide decide);

// What a client is told of a commit that did all there was to do.
inline domain::Result<v1::Committed> committed_of(domain::Result<log::Outcome> outcome) {
  if (!outcome) return std::unexpected(std::move(outcome.error()));
  return std::move(outcome->committed);
}

// Commits a further step of a command that spans partitions. `step` tells the steps of one client_msg_id apart: a repeat of
// the whole then finds each step done, and finishes what a crash cut short.
Answer<log::Outcome> commit_step(Gate& gate, uint64_t actor, storage::PartitionId where,
                                 v1::ClientFrame::BodyCase request,
                                 const std::string& client_msg_id, std::string_view step,
                                 Decide decide);

// The client_msg_id under which commit_step commits a step.
std::string step_msg_id(const std::string& client_msg_id, std::string_view step);

// A client_msg_id for what the server does of itself.
std::string fresh_msg_id();

}  // namespace amicale::commands
