// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/simulation/site.h"

#include "server/domain/limits.h"
#include "server/queries/reading.h"
#include "server/session/audit_news.h"

namespace amicale::simulation {

namespace limits = domain::limits;

namespace {

session::Settings settings() {
  session::Settings settings;
  settings.server_name = "amicale/simulation";
  settings.site_name = "Simulation";
  settings.limits = domain::served_limits();
  settings.authenticate_ms = limits::authenticate_ms;
  settings.heartbeat_ms = limits::heartbeat_ms;
  settings.dead_ms = limits::dead_ms;
  settings.no_progress_ms = limits::no_progress_ms;
  return settings;
}

}  // namespace

Site::Home::Home(Site& site, unsigned index, Disk& disk, const Shape& shape)
    : log(disk, index),
      hub(*site.shards_[index], disk.database(), {limits::ring_bytes, shape.ring_entries}),
      partitions(*site.shards_[index], disk.database(), log, site.blocking_, site.stage_.clock,
                 [this, &site](std::shared_ptr<const log::Published> published) {
                   const auto& mutation = site.stage_.mutation;
                   int times = mutation.published ? mutation.published(*published) : 1;
                   while (times-- > 0) session::publish(hub, site.parts_, published);
                 },
                 {.loaded = shape.partitions_loaded, .posts_per_10s = limits::posts_per_10s}),
      lobby(*site.shards_[index], hub, site.stage_.clock,
            [&site](storage::PartitionId stream, uint64_t room) {
              return queries::readers_of(site.gate_.view(), stream, room);
            }) {}

std::vector<std::unique_ptr<runtime::Shard>> Site::make_shards(unsigned count) {
  std::vector<std::unique_ptr<runtime::Shard>> shards;
  for (unsigned i = 0; i < count; ++i) shards.push_back(std::make_unique<runtime::Shard>(i));
  return shards;
}

std::vector<std::unique_ptr<Site::Home>> Site::make_homes(Disk& disk, const Shape& shape) {
  std::vector<std::unique_ptr<Home>> homes;
  for (unsigned i = 0; i < shard_count(); ++i)
    homes.push_back(std::make_unique<Home>(*this, i, disk, shape));
  return homes;
}

log::Site Site::make_site() {
  std::vector<log::Partitions*> partitions;
  std::vector<runtime::Shard*> shards;
  for (unsigned i = 0; i < shard_count(); ++i) {
    partitions.push_back(&homes_[i]->partitions);
    shards.push_back(shards_[i].get());
  }
  return log::Site(std::move(partitions), std::move(shards));
}

Site::Site(Stage& stage, Disk& disk, const Shape& shape)
    : stage_(stage),
      shards_(make_shards(shape.shards)),
      work_(elsewhere_.get_executor()),
      blocking_(elsewhere_.get_executor()),
      audit_key_(storage::SigningKey::load_or_create(disk.database().folder(), 0)),
      // As cheap as argon2 can be: what is tried here is who may, not how hard it is to guess.
      passwords_(elsewhere_.get_executor(), 64, {8, 1, 1}),
      throttle_({1'000, limits::login_window_ms}, {10'000, 3'600'000}, limits::throttle_entries),
      homes_(make_homes(disk, shape)),
      site_(make_site()),
      gate_{site_,
            disk.database(),
            passwords_,
            throttle_,
            registering_,
            stage.clock,
            "https://simulation.example",
            [this]() -> runtime::Task<> {
              if (!stage_.mutation.waits_for_no_shard) co_await site_.settled();
            }},
      parts_{gate_, blocking_, {}, "Simulation", audit_key_, {}},
      settings_(settings()),
      lapses_(*shards_[0], gate_, blocking_) {
  std::vector<hub::Hub*> hubs;
  std::vector<hub::Lobby*> lobbies;
  std::vector<session::Place*> places;
  for (unsigned i = 0; i < shard_count(); ++i) {
    hubs.push_back(&homes_[i]->hub);
    lobbies.push_back(&homes_[i]->lobby);
    places_.push_back(std::make_unique<session::Place>(*shards_[i], homes_[i]->hub,
                                                       homes_[i]->lobby, parts_, settings_,
                                                       static_cast<uint32_t>(stage.dice.next())));
    places.push_back(places_[i].get());
  }
  for (unsigned i = 0; i < shard_count(); ++i) {
    hubs[i]->connect(hubs);
    lobbies[i]->connect(lobbies);
    places[i]->connect(places);
  }
}

bool Site::run_one(unsigned index) {
  auto& context = index < shard_count() ? shards_[index]->context() : elsewhere_;
  return context.poll_one() > 0;
}

void Site::look() {
  for (auto& place : places_) place->look();
  for (auto& home : homes_) home->lobby.tell();
  lapses_.look();
}

void Site::drain() {
  for (auto& place : places_) place->drain();
}

}  // namespace amicale::simulation
