// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/operator.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <filesystem>

#include "server/domain/text.h"
#include "storage/backup.h"

namespace amicale::session {
namespace {

std::string default_name(int64_t now_ms) {
  return fmt::format("{:%Y%m%d-%H%M%S}", fmt::gmtime(static_cast<std::time_t>(now_ms / 1'000)));
}

}  // namespace

runtime::Task<domain::Result<void>> create_backup(const Parts& parts, commands::Caller caller,
                                                  const v1::ClientFrame& frame, v1::Reply& reply) {
  auto allowed = domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                             domain::Action::create_backup);
  if (!allowed) co_return std::unexpected(allowed.error());
  if (parts.backup_folder.empty())
    co_return domain::refuse(v1::REFUSAL_CODE_UNSUPPORTED, "backup.no_folder");
  std::string name = frame.create_backup().name();
  if (name.empty()) name = default_name(parts.gate.clock.now_ms());
  // One path component of harmless characters: a name is never a way out of the folder.
  if (auto right = domain::check_slug(name, "name"); !right)
    co_return std::unexpected(right.error());
  const std::filesystem::path target = std::filesystem::path(parts.backup_folder) / name;
  if (std::filesystem::exists(target))
    co_return domain::refuse(v1::REFUSAL_CODE_CONFLICT, "backup.exists");
  const int64_t started = parts.gate.clock.steady_ms();
  auto copy = [&parts, target] { return storage::backup(parts.gate.database, target); };
  auto report = co_await parts.blocking.run(std::move(copy));
  auto* made = reply.mutable_create_backup();
  made->set_path(report.path.string());
  made->set_entries(report.entries);
  made->set_bytes(report.bytes);
  made->set_took_ms(parts.gate.clock.steady_ms() - started);
  co_return domain::Result<void>{};
}

runtime::Task<domain::Result<void>> get_stats(const Parts& parts, commands::Caller caller,
                                              const v1::ClientFrame&, v1::Reply& reply) {
  auto allowed = domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                             domain::Action::see_stats);
  if (!allowed) co_return std::unexpected(allowed.error());
  *reply.mutable_get_stats() = co_await parts.stats();
  co_return domain::Result<void>{};
}

}  // namespace amicale::session
