// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/server.h"

#include <spdlog/spdlog.h>

#include <boost/asio/steady_timer.hpp>

#include "server/auth/token.h"
#include "server/http/process.h"
#include "server/session/routes.h"

namespace amicale {
namespace {

// How much of the drain is left for commits after the connections are gone, or cut.
constexpr auto commit_time = std::chrono::milliseconds(1'000);

http::Settings http_settings(const Config& config) {
  http::Settings settings;
  settings.language = config.site.language == "en" ? v1::LANGUAGE_EN : v1::LANGUAGE_FR;
  if (auto own = http::origin_of(config.server.public_url)) settings.origins.push_back(*own);
  for (const auto& origin : config.origins.allowed) settings.origins.push_back(origin);
  settings.metrics_token = config.metrics.token;
  settings.handshake = std::chrono::milliseconds(config.limits.handshake_ms);
  settings.keep_alive = std::chrono::milliseconds(config.limits.keep_alive_ms);
  settings.requests_per_second = static_cast<uint32_t>(config.limits.requests_per_second);
  settings.request_burst = static_cast<uint32_t>(config.limits.request_burst);
  return settings;
}

// Runs a coroutine to its end on the calling thread, which waits.
template <class Function>
void run_here(Function function) {
  runtime::asio::io_context here;
  std::exception_ptr failed;
  runtime::asio::co_spawn(here, function(here),
                          [&failed](std::exception_ptr error) { failed = error; });
  here.run();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace

Server::Server(Config config, const runtime::Clock& clock)
    : config_(std::move(config)),
      started_ms_(clock.steady_ms()),
      settings_(http_settings(config_)),
      core_(config_, clock) {
  core_.answer_stats([this]() -> runtime::Task<v1::GetStatsReply> {
    co_return http::metrics_stats(
        co_await metric_families(),
        http::load_process_facts(started_ms_, core_.clock().steady_ms(), version()));
  });
}

Server::~Server() {
  if (running_) stop();
}

std::expected<void, std::string> Server::open() {
  auto proxies = http::Networks::parse(config_.server.trusted_proxies);
  if (!proxies) return std::unexpected(proxies.error());
  settings_.trusted_proxies = *proxies;
  for (unsigned i = 0; i < core_.shard_count(); ++i) {
    homes_.push_back(std::make_unique<http::HttpShard>(core_.shard(i), settings_,
                                                       handlers(core_.place(i)), core_.place(i)));
  }
  http::Listener::Options options;
  options.trusted_proxies = *proxies;
  auto connections =
      http::plan_connections(http::raise_file_limit(), config_.limits.max_connections);
  if (!connections) return std::unexpected(connections.error());
  options.caps = {
      .total = *connections,
      .per_address = config_.limits.sockets_per_address,
      .unauthenticated_per_address = config_.limits.sockets_per_address_unauthenticated};
  for (const auto& text : config_.server.listen) {
    auto endpoint = http::parse_endpoint(text);
    if (!endpoint) return std::unexpected(endpoint.error());
    options.plain.push_back(*endpoint);
  }
  for (const auto& text : config_.tls.listen) {
    auto endpoint = http::parse_endpoint(text);
    if (!endpoint) return std::unexpected(endpoint.error());
    options.tls.push_back(*endpoint);
  }
  if (!options.tls.empty()) {
    auto tls = http::load_tls({config_.tls.certificate, config_.tls.key});
    if (!tls) return std::unexpected(tls.error());
    tls_ = *tls;
  }
  std::vector<http::HttpShard*> homes;
  for (auto& home : homes_) homes.push_back(home.get());
  listener_ =
      std::make_unique<http::Listener>(core_.shard(0), std::move(homes), std::move(options), tls_);
  return listener_->open();
}

void Server::start() {
  running_ = true;
  core_.start();
  listener_->start();
}

std::expected<void, std::string> Server::reload_tls() {
  if (!tls_) return {};
  auto tls = http::load_tls({config_.tls.certificate, config_.tls.key});
  if (!tls) return std::unexpected(tls.error());
  tls_ = *tls;
  listener_->replace_tls(tls_);
  return {};
}

http::Handlers Server::handlers(const session::Place& place) {
  return {.call = [this](http::Handlers::Call request) { return call(std::move(request)); },
          .unready = [this, &place]() -> runtime::Task<std::string> {
            if (place.draining()) co_return "draining";
            if (!core_.database().writable()) co_return "storage";
            if (!core_.database().has_space()) co_return "space";
            co_return "";
          },
          .metrics = [this]() -> runtime::Task<std::string> {
            co_return http::metrics_text(co_await metric_families());
          }};
}

runtime::Task<std::vector<prometheus::MetricFamily>> Server::metric_families() {
  auto total = co_await core_.metrics();
  co_return http::metric_families(
      total, http::load_process_facts(started_ms_, core_.clock().steady_ms(), version()));
}

runtime::Task<http::Handlers::Called> Server::call(http::Handlers::Call request) {
  http::Handlers::Called called{};
  commands::Caller caller{.language = settings_.language,
                          .address = http::counted_address(request.client).to_string()};
  if (!request.token.empty()) {
    auto known = session::authenticate(core_.gate().view(), request.token, caller.address);
    if (!known) {
      called.reply.set_request_id(request.frame.request_id());
      session::refuse(called.reply, known.error(), caller.language);
      co_return called;
    }
    if (known->language == v1::LANGUAGE_UNSPECIFIED) known->language = caller.language;
    caller = std::move(*known);
    called.authenticated = true;
  }
  auto answered = co_await session::answer(core_.parts(), std::move(caller), request.frame);
  called.reply = std::move(answered).whole();
  co_return called;
}

runtime::Task<> Server::shut_down() {
  co_await listener_->stop_accepting();
  for (auto& home : homes_) co_await home->drain();
  for (unsigned i = 0; i < core_.shard_count(); ++i) {
    auto& place = core_.place(i);
    auto goodbye = [&place] { place.drain(); };
    co_await core_.shard(i).call(std::move(goodbye));
  }
}

void Server::stop() {
  if (!running_) return;
  running_ = false;
  run_here([this](runtime::asio::io_context& here) -> runtime::Task<> {
    co_await shut_down();
    // Whoever has not gone by then takes nothing any more, or is up to no good.
    runtime::asio::steady_timer deadline(
        here, std::chrono::milliseconds(config_.server.drain_ms) - commit_time);
    deadline.async_wait([this, &here](boost::system::error_code error) {
      if (error) return;
      for (unsigned i = 0; i < core_.shard_count(); ++i) {
        core_.shard(i).post([&place = core_.place(i)] { place.cut(); });
        runtime::spawn(here.get_executor(), "close", homes_[i]->close());
      }
    });
    for (auto& home : homes_) co_await home->join();
    spdlog::info("stopping: connections are gone");
    deadline.cancel();
    co_await core_.drain();
    spdlog::info("stopping: commits are written");
  });
  core_.stop();
}

}  // namespace amicale
