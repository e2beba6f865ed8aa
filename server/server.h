// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "server/config.h"
#include "server/core.h"
#include "server/http/http_shard.h"
#include "server/http/listener.h"
#include "server/http/metrics.h"
#include "server/runtime/clock.h"

namespace amicale {

// One running server: a core with its front door. Made, opened, started and stopped by whoever owns it, from any one thread:
// `main`, or a test.
class Server {
 public:
  // Throws storage::Error when the data folder can't be trusted.
  Server(Config config, const runtime::Clock& clock);
  ~Server();

  // Reads certificates and binds; the error is for the operator.
  std::expected<void, std::string> open();
  // Starts to serve. After open().
  void start();
  // Stops in good order within the configured time: no new connections, clients told to come back, what was accepted made
  // durable. Blocks; once.
  void stop();

  // Reads the certificate again, for new connections. The error leaves the old one in use.
  std::expected<void, std::string> reload_tls();

  // Where it listens, ports chosen by the system included.
  std::vector<http::Endpoint> plain_endpoints() const { return listener_->plain_endpoints(); }
  std::vector<http::Endpoint> tls_endpoints() const { return listener_->tls_endpoints(); }

  Core& core() { return core_; }

 private:
  http::Handlers handlers(const session::Place& place);
  runtime::Task<http::Handlers::Called> call(http::Handlers::Call call);
  runtime::Task<std::vector<prometheus::MetricFamily>> metric_families();
  runtime::Task<> shut_down();

  const Config config_;
  const int64_t started_ms_;
  http::Settings settings_;
  Core core_;
  std::vector<std::unique_ptr<http::HttpShard>> homes_;
  std::unique_ptr<http::Listener> listener_;
  http::TlsContext tls_;
  bool running_ = false;
};

}  // namespace amicale
