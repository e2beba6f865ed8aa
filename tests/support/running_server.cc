// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/support/running_server.h"

#include <stdlib.h>

#include <stdexcept>

#include "server/offline.h"

namespace amicale::support {

RunningServer::RunningServer(std::function<void(Config&)> change) {
  auto pattern = (std::filesystem::temp_directory_path() / "amicale-server-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  config_ = default_config();
  config_.server.listen = {"127.0.0.1:0"};
  config_.server.data_dir = folder_ / "data";
  config_.server.shards = 2;
  config_.tls.listen = {"127.0.0.1:0"};
  config_.tls.certificate = folder_ / "certificate.pem";
  config_.tls.key = folder_ / "key.pem";
  std::filesystem::copy_file(identity_.certificate(), config_.tls.certificate);
  std::filesystem::copy_file(identity_.key(), config_.tls.key);
  config_.storage.ballast_mib = 0;
  config_.storage.free_space_floor_mib = 0;
  // Stories of other rooms of the house post what no member would.
  config_.antispam.enabled = false;
  config_.backup.directory = folder_ / "backups";
  change(config_);
  const auto made =
      offline::create_site(config_.server.data_dir, config_.site.name, kLogin, "Olympe", kPassword);
  if (!made) throw std::runtime_error("the site cannot be made: " + made.error().rule_id);
  start();
}

RunningServer::~RunningServer() {
  if (server_) stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RunningServer::start(const std::function<void(Config&)>& change) {
  change(config_);
  server_ = std::make_unique<Server>(config_, clock_);
  if (const auto opened = server_->open(); !opened) throw std::runtime_error(opened.error());
  server_->start();
}

void RunningServer::stop() {
  server_->stop();
  server_.reset();
}

}  // namespace amicale::support
