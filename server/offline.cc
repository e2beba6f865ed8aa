// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/offline.h"

#include "server/commands/clubs.h"
#include "server/core.h"

namespace amicale::offline {

domain::Result<void> create_site(const std::filesystem::path& data, std::string site_name,
                                 std::string owner_login, std::string display_name,
                                 std::string password) {
  Config config = default_config();
  config.server.data_dir = data.string();
  config.server.shards = 1;
  runtime::SystemClock clock;
  Core core(config, clock);
  core.start();
  // The same gate as everybody's, from a thread that waits.
  runtime::asio::io_context here;
  domain::Result<uint64_t> made = 0;
  auto work = [&]() -> runtime::Task<> {
    commands::NewSite site{std::move(site_name), std::move(owner_login), std::move(display_name),
                           std::move(password)};
    auto create = [&core, &site] { return commands::create_site(core.gate(), site); };
    made = co_await core.shard(0).call(std::move(create));
    co_await core.drain();
  };
  std::exception_ptr failed;
  runtime::asio::co_spawn(here, work(), [&failed](std::exception_ptr error) { failed = error; });
  here.run();
  core.stop();
  if (failed) std::rethrow_exception(failed);
  if (!made) return std::unexpected(made.error());
  return {};
}

}  // namespace amicale::offline
