// SPDX-License-Identifier: AGPL-3.0-or-later
//
// From the wire to a request, from an event to the log and to the wire.
#include <benchmark/benchmark.h>
#include <google/protobuf/arena.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "amicale/v1/frame.pb.h"
#include "bench/micro/population.h"
#include "server/domain/roles.h"
#include "storage/digest.h"
#include "storage/entry.h"
#include "storage/keys.h"

namespace amicale::bench {
namespace {

constexpr auto club = storage::PartitionId{v1::STREAM_KIND_CLUB, 1};

// As Session::receive does: an arena for each request.
void parse_frame(benchmark::State& state) {
  v1::ClientFrame frame;
  frame.set_request_id(7);
  auto& post = *frame.mutable_post_message();
  post.mutable_stream()->set_kind(v1::STREAM_KIND_CLUB);
  post.mutable_stream()->set_id(1);
  post.set_room_id(1);
  post.set_body(std::string(body()));
  post.set_client_msg_id(client_msg_id(1));
  const std::string bytes = frame.SerializeAsString();
  struct Request {
    google::protobuf::Arena arena;
    v1::ClientFrame* frame;
  };
  for (auto _ : state) {
    auto request = std::make_shared<Request>();
    request->frame = google::protobuf::Arena::CreateMessage<v1::ClientFrame>(&request->arena);
    if (!request->frame->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      throw std::runtime_error("does not parse");
    }
    benchmark::DoNotOptimize(request->frame);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_frame);

void serialise_event(benchmark::State& state) {
  const auto event = posted();
  std::string out;
  for (auto _ : state) {
    out.clear();
    storage::frame_event(event, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(serialise_event);

void parse_event(benchmark::State& state) {
  const std::string bytes = posted().SerializeAsString();
  v1::Event event;
  for (auto _ : state) {
    if (!event.ParseFromString(bytes)) throw std::runtime_error("does not parse");
    benchmark::DoNotOptimize(event);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_event);

struct Sample {
  std::string public_bytes;
  std::string salt = std::string(16, 's');
  std::string prev_hash = std::string(32, 'h');
  storage::EntryView view;

  Sample() {
    storage::frame_event(posted(), public_bytes);
    view.audience = {domain::all_roles, 0};
    view.prev_hash = prev_hash;
    view.salt = salt;
    view.public_bytes = public_bytes;
  }
};

void encode_entry(benchmark::State& state) {
  const Sample sample;
  std::string out;
  for (auto _ : state) {
    out.clear();
    storage::encode_entry(sample.view, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_entry);

void decode_entry(benchmark::State& state) {
  const Sample sample;
  std::string bytes;
  storage::encode_entry(sample.view, bytes);
  for (auto _ : state) {
    auto entry = storage::decode_entry(bytes);
    if (!entry) throw std::runtime_error("does not parse");
    benchmark::DoNotOptimize(*entry);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_entry);

// Three SHA-256: of the public part, the private part, and the chain.
void chain_entry(benchmark::State& state) {
  Sample sample;
  std::uint64_t seq = 1;
  for (auto _ : state) {
    const auto hash = storage::hash_entry(club, seq++, sample.view);
    sample.prev_hash.assign(hash.data(), hash.size());
    sample.view.prev_hash = sample.prev_hash;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(chain_entry);

void salt_entry(benchmark::State& state) {
  char salt[16];
  for (auto _ : state) {
    storage::fill_random(salt, sizeof salt);
    benchmark::DoNotOptimize(salt);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(salt_entry);

// The four keys that a post writes.
void make_keys(benchmark::State& state) {
  const auto id = client_msg_id(1);
  std::uint64_t n = 1;
  for (auto _ : state) {
    ++n;
    benchmark::DoNotOptimize(storage::key::log_entry(club, n));
    benchmark::DoNotOptimize(storage::key::message(club, 1, n));
    benchmark::DoNotOptimize(storage::key::idempotency(club, 77, id));
    benchmark::DoNotOptimize(storage::key::head(club));
  }
  state.SetItemsProcessed(state.iterations() * 4);
}
BENCHMARK(make_keys);

void parse_key(benchmark::State& state) {
  const auto bytes = storage::key::log_entry(club, 123'456);
  for (auto _ : state) {
    auto parsed = storage::key::parse_log_entry(bytes);
    benchmark::DoNotOptimize(parsed);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_key);

}  // namespace
}  // namespace amicale::bench
