// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The data folder: making a commit, writing it, reading pages.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

#include "amicale/v1/frame.pb.h"
#include "bench/micro/population.h"
#include "server/domain/roles.h"
#include "server/queries/queries.h"
#include "storage/append.h"
#include "storage/database.h"
#include "storage/log_reader.h"
#include "storage/view.h"

namespace amicale::bench {
namespace {

constexpr auto club = storage::PartitionId{v1::STREAM_KIND_CLUB, 1};

// A site of one club of 20, with `posts` messages.
struct Site {
  explicit Site(std::uint64_t posts) : database(options_in(folder.path())) {
    Population population(database);
    population.found(shape);
    population.post(1, posts, shape);
    population.write();
  }
  Folder folder;
  Shape shape;
  storage::Database database;
};

// Appends posts to a batch as a partition's turn does.
class Poster {
 public:
  explicit Poster(storage::Database& database)
      : head_(storage::View(database).head(club)),
        number_(storage::View(database).room(1, 1)->head_number()) {}

  void post(storage::Batch& batch) {
    ++number_;
    v1::Event event;
    event.set_time_ms(1'700'000'000'000);
    event.set_actor(2 + number_ % 20);
    event.set_client_msg_id(client_msg_id(number_));
    event.mutable_message_posted()->set_room_id(1);
    event.mutable_message_posted()->set_number(number_);
    event.mutable_message_posted()->set_body(std::string(body()));
    store::PrivatePart private_part;
    std::array<storage::NewEntry, 1> entries{
        storage::NewEntry{event, {domain::all_roles, 0}, private_part}};
    storage::EventRun run;
    storage::append(batch, club, head_, entries,
                    {.request_kind = v1::ClientFrame::kPostMessage, .object_id = number_}, run);
  }

 private:
  store::HeadRow head_;
  std::uint64_t number_;
};

// A post's log entry, hash chain and rows, into a batch; nothing is written.
void append_post(benchmark::State& state) {
  Site site(0);
  Poster poster(site.database);
  storage::Batch batch(site.database);
  std::size_t waiting = 0;
  for (auto _ : state) {
    poster.post(batch);
    if (++waiting == 64) {
      batch.clear();
      waiting = 0;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(append_post);

// `n` posts made durable by one write: items are posts.
void write_synced(benchmark::State& state) {
  Site site(0);
  Poster poster(site.database);
  storage::Batch batch(site.database);
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) poster.post(batch);
    site.database.write(batch);
    batch.clear();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(write_synced)->ArgName("posts")->Arg(1)->Arg(32)->Arg(256)->UseRealTime();

// The newest page of a room of 100,000 messages, as GetHistory answers it, serialised.
void last_50(benchmark::State& state) {
  Site site(100'000);
  const queries::Caller caller{.account_id = 2, .site_role = v1::SITE_ROLE_NONE};
  v1::GetHistory request;
  *request.mutable_stream() = storage::stream_of(club);
  request.set_room_id(1);
  request.set_before(50);
  std::string page;
  for (auto _ : state) {
    storage::Snapshot at(site.database);
    auto read = queries::history(storage::View(at), caller, request);
    if (!read) throw std::runtime_error("no page");
    page = std::move(*read);
    benchmark::DoNotOptimize(page.data());
  }
  v1::GetHistoryReply reply;
  if (!reply.ParseFromString(page) || reply.messages_size() != 50)
    throw std::runtime_error("no page");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(last_50);

// The same rows without permissions, parsing and answer: what the store itself takes.
void scan_last_50(benchmark::State& state) {
  Site site(100'000);
  const auto from = storage::key::message(club, 1, 100'000);
  const auto to = storage::key::messages_prefix(club, 1);
  for (auto _ : state) {
    const storage::View view(site.database);
    std::size_t rows = 0;
    std::size_t bytes = 0;
    view.scan_back(storage::Family::messages, from, to,
                   [&](std::string_view, std::string_view value) {
                     bytes += value.size();
                     return ++rows < 50;
                   });
    if (rows != 50) throw std::runtime_error("rows are missing");
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(scan_last_50);

// A page of the log for a reader that is behind the ring: items are events.
void read_log_page(benchmark::State& state) {
  Site site(100'000);
  std::uint64_t from = 1;
  std::int64_t events = 0;
  for (auto _ : state) {
    const auto page = storage::read_log(storage::View(site.database), club, from);
    events += static_cast<std::int64_t>(page.items.size());
    from = page.empty() || page.last_seq() > 90'000 ? 1 : page.last_seq() + 1;
  }
  state.SetItemsProcessed(events);
}
BENCHMARK(read_log_page);

}  // namespace
}  // namespace amicale::bench
