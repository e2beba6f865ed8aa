// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/core.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "server/auth/token.h"
#include "server/domain/limits.h"
#include "server/queries/reading.h"
#include "server/session/audit_news.h"
#include "storage/hex.h"

namespace amicale {

namespace limits = domain::limits;

namespace {

constexpr unsigned most_shards_by_default = 4;

storage::DatabaseOptions database_options(const Config& config) {
  storage::DatabaseOptions options;
  options.folder = config.server.data_dir;
  options.block_cache_bytes = config.storage.block_cache_mib << 20;
  options.ballast_bytes = config.storage.ballast_mib << 20;
  options.floor_bytes = config.storage.free_space_floor_mib << 20;
  // Half of what http/process.cc keeps back from connections: the other half is for files that come and go.
  if (rlimit files{}; ::getrlimit(RLIMIT_NOFILE, &files) == 0)
    options.open_files = static_cast<int>(std::clamp<rlim_t>(files.rlim_max / 8, 32, 256));
  options.on_line = [](storage::Severity severity, std::string_view line) {
    switch (severity) {
      case storage::Severity::info: return spdlog::debug("storage text=\"{}\"", line);
      case storage::Severity::warning: return spdlog::warn("storage text=\"{}\"", line);
      case storage::Severity::error: return spdlog::error("storage text=\"{}\"", line);
    }
  };
  return options;
}

unsigned shard_count(const Config& config) {
  if (config.server.shards != 0) return static_cast<unsigned>(config.server.shards);
  // One core is left to the log's writer and to the store's own threads (docs/decisions/0008-a-core-for-the-log.md).
  const unsigned cores = std::max(std::thread::hardware_concurrency(), 2u);
  return std::min(cores - 1, most_shards_by_default);
}

std::vector<std::unique_ptr<runtime::Shard>> make_shards(unsigned count) {
  std::vector<std::unique_ptr<runtime::Shard>> shards;
  for (unsigned i = 0; i < count; ++i) shards.push_back(std::make_unique<runtime::Shard>(i));
  return shards;
}

template <class Homes>
std::vector<log::Partitions*> partitions_of(const Homes& homes) {
  std::vector<log::Partitions*> all;
  for (const auto& home : homes) all.push_back(&home->partitions);
  return all;
}

std::vector<runtime::Shard*> pointers_to(
    const std::vector<std::unique_ptr<runtime::Shard>>& shards) {
  std::vector<runtime::Shard*> all;
  for (const auto& shard : shards) all.push_back(shard.get());
  return all;
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string contents_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in && !in.eof()) throw std::runtime_error(file.string() + ": unreadable");
  return text;
}

// With the model that the configuration pins. Throws when the file is another one.
domain::antispam::Filter make_filter(const Config::Antispam& config) {
  if (config.model.empty()) return domain::antispam::Filter();
  const std::string file = contents_of(config.model);
  if (storage::to_hex(auth::digest(file)) != config.model_sha256) {
    throw std::runtime_error(config.model + ": its SHA-256 is not antispam.model_sha256");
  }
  auto model = domain::antispam::Model::read(file);
  if (!model) throw std::runtime_error(config.model + ": no model of this version");
  return domain::antispam::Filter(*std::move(model));
}

// The rules of every club: standard.toml for all, and SLUG.toml for a club of its own. Throws for a
// file that can't be read: a site does not start with other rules than it was given.
std::unique_ptr<const domain::antispam::Shield> make_shield(const Config& config,
                                                            const storage::Database& database) {
  if (!config.antispam.enabled) return nullptr;
  auto shield = std::make_unique<domain::antispam::Shield>(make_filter(config.antispam));
  if (config.antispam.rules_dir.empty()) return shield;
  const storage::View view(database);
  for (const auto& file : std::filesystem::directory_iterator(config.antispam.rules_dir)) {
    if (file.path().extension() != ".toml") continue;
    auto rules =
        domain::antispam::Rules::parse(shield->filter().folding(), contents_of(file.path()));
    if (!rules)
      throw std::runtime_error(file.path().string() + ": wrong at " + rules.error().field);
    const std::string slug = file.path().stem().string();
    if (slug == "standard") {
      shield->set_everywhere(*std::move(rules));
    } else if (const auto club = view.club_id_by_slug(slug)) {
      shield->set_club(*club, *std::move(rules));
    } else {
      spdlog::warn("rules for no club file={}", file.path().string());
    }
  }
  return shield;
}

session::Settings session_settings(const Config& config) {
  session::Settings settings;
  settings.server_name = "amicale/" + std::string(version());
  settings.site_name = config.site.name;
  settings.language = config.site.language == "en" ? v1::LANGUAGE_EN : v1::LANGUAGE_FR;
  settings.limits = domain::served_limits();
  settings.limits.set_requests_per_second(static_cast<uint32_t>(config.limits.requests_per_second));
  settings.limits.set_request_burst(static_cast<uint32_t>(config.limits.request_burst));
  settings.limits.set_sockets_per_account(static_cast<uint32_t>(config.limits.sockets_per_account));
  settings.limits.set_posts_per_10s(static_cast<uint32_t>(config.limits.posts_per_10s));
  settings.authenticate_ms = static_cast<uint32_t>(config.limits.authenticate_ms);
  settings.heartbeat_ms = static_cast<uint32_t>(config.limits.heartbeat_ms);
  settings.dead_ms = static_cast<uint32_t>(config.limits.dead_ms);
  settings.no_progress_ms = static_cast<uint32_t>(config.limits.no_progress_ms);
  return settings;
}

domain::Watch watch_of(const Config& config) {
  const uint64_t posts = limits::busy_room_members * config.limits.posts_per_10s;
  return {.joins_per_minute = static_cast<uint32_t>(config.limits.joins_per_minute),
          .busy_room_posts = posts < limits::busy_room_kept ? static_cast<uint32_t>(posts) : 0};
}

}  // namespace

std::string_view version() { return AMICALE_VERSION; }

Core::Core(const Config& config, const runtime::Clock& clock)
    // The data first: everything else reads it.
    : clock_(clock),
      database_(database_options(config)),
      audit_key_(storage::SigningKey::load_or_create(database_.folder(), clock_.now_ms())),
      // One thread per core that chats; a few that may block.
      shards_(make_shards(amicale::shard_count(config))),
      blocking_(static_cast<unsigned>(config.storage.blocking_threads)),
      // Passwords on threads of their own, counted before they cost anything.
      passwords_(static_cast<unsigned>(config.auth.password_threads),
                 static_cast<unsigned>(config.auth.password_queue),
                 {limits::argon2_memory_kib, limits::argon2_passes, limits::argon2_lanes}),
      throttle_(
          {static_cast<uint32_t>(config.auth.login_tries_per_account), limits::login_window_ms},
          {static_cast<uint32_t>(config.auth.login_tries_per_address_per_hour), 3'600'000},
          limits::throttle_entries),
      // What messages are judged by, read once.
      shield_(make_shield(config, database_)),
      // On each shard: where its commits go, who hears of them, what decides them.
      homes_(make_homes(config)),
      site_(partitions_of(homes_), pointers_to(shards_)),
      // The one way to change anything, and the table of what may be asked.
      gate_{site_,
            database_,
            passwords_,
            throttle_,
            registering_,
            clock_,
            without_slash(config.server.public_url),
            [this] { return site_.settled(); },
            shield_.get()},
      parts_{gate_, blocking_, config.backup.directory, config.site.name, audit_key_, {}},
      settings_(session_settings(config)),
      // Says in each club which sanctions are over.
      lapses_(*shards_[0], gate_, blocking_) {
  std::vector<hub::Hub*> hubs;
  std::vector<hub::Lobby*> lobbies;
  std::vector<session::Place*> places;
  for (unsigned i = 0; i < shard_count(); ++i) {
    hubs.push_back(&homes_[i]->hub);
    lobbies.push_back(&homes_[i]->lobby);
    places_.push_back(std::make_unique<session::Place>(*shards_[i], homes_[i]->hub,
                                                       homes_[i]->lobby, parts_, settings_));
    places.push_back(places_[i].get());
  }
  for (unsigned i = 0; i < shard_count(); ++i) {
    hubs[i]->connect(hubs);
    lobbies[i]->connect(lobbies);
    places[i]->connect(places);
  }
}

Core::~Core() { stop(); }

Core::Home::Home(runtime::Shard& shard, Core& core, const Config& config)
    : log(core.database_),
      hub(shard, core.database_,
          {limits::ring_bytes, static_cast<std::size_t>(config.limits.ring_events)}),
      partitions(
          shard, core.database_, log, core.blocking_, core.clock_,
          [this, &core](std::shared_ptr<const log::Published> published) {
            session::publish(hub, core.parts_, std::move(published));
          },
          {.loaded = limits::partitions_idle,
           .posts_per_10s = static_cast<uint32_t>(config.limits.posts_per_10s),
           .gather_us = limits::gather_us,
           .shield = core.shield_.get(),
           .tell = [&core](const domain::antispam::Sketch& sketch,
                           domain::antispam::RecentTexts::Said said) { core.tell(sketch, said); },
           .watch = watch_of(config)}),
      lobby(shard, hub, core.clock_, [&core](storage::PartitionId stream, uint64_t room) {
        return queries::readers_of(core.gate_.view(), stream, room);
      }) {}

// Each shard has a copy of its own of what is said in all clubs: judging asks nobody.
void Core::tell(const domain::antispam::Sketch& sketch, domain::antispam::RecentTexts::Said said) {
  for (unsigned i = 0; i < shard_count(); ++i) {
    shards_[i]->post(
        [partitions = &homes_[i]->partitions, sketch, said] { partitions->heard(sketch, said); });
  }
}

std::vector<std::unique_ptr<Core::Home>> Core::make_homes(const Config& config) {
  std::vector<std::unique_ptr<Home>> homes;
  for (auto& shard : shards_) homes.push_back(std::make_unique<Home>(*shard, *this, config));
  return homes;
}

void Core::start() {
  for (auto& shard : shards_) shard->start();
  for (auto& home : homes_) home->lobby.start();
  for (auto& place : places_) place->start();
  lapses_.start();
}

runtime::Task<> Core::drain() {
  auto stopping = [this]() -> runtime::Task<> { co_await lapses_.stop(); };
  co_await shards_[0]->call(std::move(stopping));
  for (unsigned i = 0; i < shard_count(); ++i) {
    auto draining = [this, i]() -> runtime::Task<> {
      co_await homes_[i]->partitions.drain();
      co_await homes_[i]->lobby.stop();
      co_await places_[i]->stop();
    };
    co_await shards_[i]->call(std::move(draining));
  }
}

void Core::stop() {
  for (auto& shard : shards_) shard->stop();
  blocking_.stop();
}

runtime::Task<runtime::Metrics> Core::metrics() {
  runtime::Metrics total;
  for (auto& shard : shards_) {
    auto read = [&shard] { return shard->metrics(); };
    total += co_await shard->call(std::move(read));
  }
  co_return total;
}

}  // namespace amicale
