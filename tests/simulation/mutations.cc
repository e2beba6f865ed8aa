// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <map>
#include <set>

#include "storage/view.h"
#include "tests/simulation/mutation.h"
#include "tests/simulation/truth.h"

namespace amicale::simulation {
namespace {

using storage::Family;

// True once in `times`.
class NowAndThen {
 public:
  explicit NowAndThen(unsigned times) : times_(times) {}
  bool operator()() { return ++count_ % times_ == 0; }

 private:
  unsigned times_;
  unsigned count_ = 0;
};

std::vector<std::string> keys_of(const storage::Batch& batch, Family family) {
  std::vector<std::string> keys;
  for (const auto& [key, change] : batch.changes(family)) {
    if (!change.erased) keys.emplace_back(key);
  }
  return keys;
}

using Frames = std::function<void(v1::ServerFrame&, uint64_t, const Truth&)>;

// For each batch of events that a session sends.
template <class Change>
Frames each_batch(Change change) {
  return [change](v1::ServerFrame& frame, uint64_t account, const Truth& truth) mutable {
    // One that is added is not changed again.
    const int batches = frame.batches_size();
    for (int i = 0; i < batches; ++i) change(frame, i, account, truth);
  };
}

Mutation log_mutation(std::string name, std::string promise) {
  return {.name = std::move(name), .promise = std::move(promise)};
}

void add_storage(std::vector<Mutation>& all) {
  auto& early = all.emplace_back(log_mutation("acknowledges before it is durable", "I1"));
  early.acknowledges_before_durable = true;

  auto& last = all.emplace_back(log_mutation("loses the last write on reopening", "I1"));
  last.loses_last_write_on_reopening = true;

  auto& failed = all.emplace_back(log_mutation("acknowledges a write whose sync failed", "I1"));
  failed.acknowledges_after_failed_sync = true;

  auto& torn = all.emplace_back(log_mutation("keeps half of a write over a crash", "I14"));
  torn.tears_writes = true;

  auto& forgets = all.emplace_back(log_mutation("forgets which commands it answered", "I4"));
  forgets.batch = [](storage::Batch& batch, storage::PartitionId) {
    for (const auto& key : keys_of(batch, Family::idempotency))
      batch.erase(Family::idempotency, key);
  };

  auto& misses = all.emplace_back(log_mutation("misses a row when it applies an event", "I14"));
  misses.batch = [now = NowAndThen(9)](storage::Batch& batch, storage::PartitionId) mutable {
    for (const auto& key : keys_of(batch, Family::messages)) {
      if (now()) batch.erase(Family::messages, key);
    }
  };

  auto& pardons =
      all.emplace_back(log_mutation("forgets sanctions when a club is reloaded", "I12"));
  pardons.batch = [](storage::Batch& batch, storage::PartitionId) {
    for (const auto& key : keys_of(batch, Family::state)) {
      if (key.front() == 'W') batch.erase(Family::state, key);
    }
  };

  auto& keeps = all.emplace_back(log_mutation("keeps deleted words in the log", "I11"));
  keeps.batch = [](storage::Batch& batch, storage::PartitionId) {
    const storage::View before(batch.database());
    for (const auto& key : keys_of(batch, Family::log)) {
      std::string value;
      if (before.get(Family::log, key, value)) batch.put(Family::log, key, value);
    }
  };

  auto& widens = all.emplace_back(log_mutation("stores a room's event for every role", "I7"));
  widens.batch = [](storage::Batch& batch, storage::PartitionId partition) {
    if (partition.kind != v1::STREAM_KIND_CLUB) return;
    for (const auto& key : keys_of(batch, Family::log)) {
      std::string value(batch.changes(Family::log).at(key).value());
      value[2] = '\0';
      value[3] = static_cast<char>(Truth::all_roles);
      batch.put(Family::log, key, value);
    }
  };
}

void add_fan_out(std::vector<Mutation>& all) {
  auto& drops = all.emplace_back(log_mutation("does not publish a commit", "I5"));
  drops.published = [now = NowAndThen(12)](const log::Published&) mutable { return now() ? 0 : 1; };

  auto& twice = all.emplace_back(log_mutation("sends a batch twice", "I5"));
  twice.server_frame = each_batch(
      [now = NowAndThen(10)](v1::ServerFrame& frame, int i, uint64_t, const Truth&) mutable {
        if (now()) *frame.add_batches() = v1::StreamBatch(frame.batches(i));
      });

  auto& swaps = all.emplace_back(log_mutation("swaps two events", "I6"));
  swaps.server_frame = each_batch([](v1::ServerFrame& frame, int i, uint64_t, const Truth&) {
    auto& batch = *frame.mutable_batches(i);
    if (batch.events_size() > 1) batch.mutable_events()->SwapElements(0, 1);
  });

  auto& alters = all.emplace_back(log_mutation("sends another content than it stored", "I6"));
  alters.server_frame = each_batch(
      [now = NowAndThen(10)](v1::ServerFrame& frame, int i, uint64_t, const Truth&) mutable {
        for (auto& event : *frame.mutable_batches(i)->mutable_events()) {
          if (event.has_message_posted() && now()) event.mutable_message_posted()->set_body("else");
        }
      });

  auto& skips = all.emplace_back(log_mutation("leaves an event out of a batch", "I5"));
  skips.server_frame = each_batch(
      [now = NowAndThen(10)](v1::ServerFrame& frame, int i, uint64_t, const Truth&) mutable {
        auto& batch = *frame.mutable_batches(i);
        if (batch.events_size() > 0 && now()) batch.mutable_events()->RemoveLast();
      });

  auto& leaks = all.emplace_back(log_mutation("does not look at an event's audience", "I7"));
  leaks.server_frame = each_batch([](v1::ServerFrame& frame, int i, uint64_t account,
                                     const Truth& truth) {
    auto& batch = *frame.mutable_batches(i);
    const Stream stream = Stream::from(batch.stream());
    const uint64_t head = truth.head(stream);
    v1::StreamBatch whole = batch;
    whole.clear_events();
    for (uint64_t seq = batch.after_seq() + 1; seq <= std::min(batch.through_seq(), head); ++seq)
      *whole.add_events() = truth.at(stream, seq).event;
    static_cast<void>(account);
    batch = whole;
  });

  auto& after = all.emplace_back(log_mutation("sends what comes after a removal", "I7"));
  after.server_frame = each_batch([](v1::ServerFrame& frame, int i, uint64_t, const Truth& truth) {
    auto& batch = *frame.mutable_batches(i);
    const Stream stream = Stream::from(batch.stream());
    if (!batch.ended() || truth.head(stream) <= batch.through_seq()) return;
    *batch.add_events() = truth.at(stream, batch.through_seq() + 1).event;
    batch.set_through_seq(batch.through_seq() + 1);
  });

  auto& endless = all.emplace_back(log_mutation("does not say that a stream has ended", "I7"));
  endless.server_frame = each_batch([](v1::ServerFrame& frame, int i, uint64_t, const Truth&) {
    frame.mutable_batches(i)->clear_ended();
  });

  auto& tells = all.emplace_back(log_mutation("tells who is present to who has left", "I7"));
  tells.server_frame = each_batch([](v1::ServerFrame& frame, int i, uint64_t, const Truth&) {
    if (!frame.batches(i).ended()) return;
    auto& presence = *frame.add_signals()->mutable_presence();
    *presence.mutable_stream() = frame.batches(i).stream();
    presence.add_came(1);
  });

  auto& gap = all.emplace_back(log_mutation("does not honour a cursor that it gave out", "I5"));
  gap.server_frame = [now = NowAndThen(4)](v1::ServerFrame& frame, uint64_t, const Truth&) mutable {
    for (auto& reply : *frame.mutable_replies()) {
      if (reply.subscribe().outcome() != v1::SUBSCRIBE_OUTCOME_REPLAYING || !now()) continue;
      reply.mutable_subscribe()->set_outcome(v1::SUBSCRIBE_OUTCOME_GAP);
      reply.mutable_subscribe()->mutable_gap()->set_reason(v1::GAP_REASON_AHEAD);
    }
  };

  auto& loses = all.emplace_back(log_mutation("a client takes what lies beyond its cursor", "I5"));
  loses.client_frame = [now = NowAndThen(8),
                        lost = std::map<std::pair<uint64_t, Stream>, uint64_t>()](
                           v1::ServerFrame& frame, uint64_t connection) mutable {
    v1::ServerFrame kept = frame;
    kept.clear_batches();
    for (auto& batch : *frame.mutable_batches()) {
      const std::pair at(connection, Stream::from(batch.stream()));
      if (lost.contains(at)) {
        batch.set_after_seq(lost.at(at));
        lost.erase(at);
      } else if (now() && !batch.ended()) {
        lost.emplace(at, batch.after_seq());
        continue;
      }
      *kept.add_batches() = batch;
    }
    frame = kept;
  };
}

void add_answers(std::vector<Mutation>& all) {
  auto& repeats = all.emplace_back(log_mutation("answers a repeat with something new", "I4"));
  repeats.server_frame = [](v1::ServerFrame& frame, uint64_t, const Truth& truth) {
    for (auto& reply : *frame.mutable_replies()) {
      if (!reply.has_post_message() || !reply.post_message().repeated()) continue;
      auto& committed = *reply.mutable_post_message();
      const uint64_t head = truth.head(Stream::from(committed.stream()));
      committed.set_first_seq(head);
      committed.set_last_seq(head);
    }
  };

  auto& stale = all.emplace_back(log_mutation("answers history from an older state", "I6"));
  stale.server_frame = [](v1::ServerFrame& frame, uint64_t, const Truth&) {
    for (auto& reply : *frame.mutable_replies()) {
      if (!reply.has_get_history() || reply.get_history().messages_size() == 0) continue;
      auto& page = *reply.mutable_get_history();
      page.mutable_messages()->RemoveLast();
    }
  };

  auto& open = all.emplace_back(log_mutation("keeps a revoked device's connection open", "I8"));
  open.keeps_revoked_open = true;

  auto& deaf = all.emplace_back(log_mutation("does not tell sessions of a revocation", "I8"));
  deaf.published = [](const log::Published& published) {
    return published.partition.kind == v1::STREAM_KIND_ACCOUNT ? 0 : 1;
  };

  auto& hasty = all.emplace_back(log_mutation("answers a revocation before it is in force", "I8"));
  hasty.waits_for_no_shard = true;
}

}  // namespace

std::vector<Mutation> mutations() {
  std::vector<Mutation> all;
  all.reserve(32);  // references into it are held while it grows
  add_storage(all);
  add_fan_out(all);
  add_answers(all);
  return all;
}

}  // namespace amicale::simulation
