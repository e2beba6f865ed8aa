// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "server/config.h"
#include "server/runtime/clock.h"
#include "server/server.h"
#include "tests/support/identity.h"

namespace amicale::support {

// A real server on loopback, plain and TLS, on ports of the system's choice, with a site of one owner in a folder that goes
// away with the object.
class RunningServer {
 public:
  static constexpr const char* kLogin = "owner";
  static constexpr const char* kPassword = "correct horse battery";

  explicit RunningServer(std::function<void(Config&)> change = [](Config&) {});
  ~RunningServer();
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  // Stops it in good order, and starts it again on the same data, by a changed configuration.
  void stop();
  void start(const std::function<void(Config&)>& change = [](Config&) {});

  Server& server() { return *server_; }
  std::uint16_t port() const { return server_->plain_endpoints().front().port(); }
  std::uint16_t tls_port() const { return server_->tls_endpoints().front().port(); }
  const std::filesystem::path& folder() const { return folder_; }
  const std::string& certificate() const { return config_.tls.certificate; }
  const std::string& key() const { return config_.tls.key; }

 private:
  std::filesystem::path folder_;
  Identity identity_;
  Config config_;
  runtime::SystemClock clock_;
  std::unique_ptr<Server> server_;
};

}  // namespace amicale::support
