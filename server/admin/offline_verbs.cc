// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What is done to a data folder while no server runs on it. RocksDB's own lock keeps the two apart.
#include "server/admin/data_folder.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/offline.h"
#include "storage/backup.h"
#include "storage/database.h"
#include "storage/rebuild.h"
#include "storage/verify.h"

namespace amicale::admin {

int run(const verb::SiteCreate& verb, Console& console) {
  const auto password = console.new_password(verb.password_stdin);
  if (!password) return password.error();
  return on_folder(console, [&] {
    const auto made =
        offline::create_site(verb.data, verb.name, verb.owner,
                             verb.display_name.empty() ? verb.owner : verb.display_name, *password);
    if (!made) {
      const auto refusal = domain::to_wire(made.error(), console.language());
      return console.fail(
          refusal.message().empty() ? v1::RefusalCode_Name(refusal.code()) : refusal.message(),
          kRefused);
    }
    console.say(phrase::site_made, verb.name, verb.data, verb.owner);
    return static_cast<int>(kDone);
  });
}

int run(const verb::Restore& verb, Console& console) {
  return on_folder(console, [&] {
    StageProgress stages(console);
    const auto report = storage::restore(verb.backup, verb.data, stages.function());
    stages.finish();
    console.say(phrase::restored, verb.data, grouped(report.entries), grouped(report.bytes / 1024));
    return static_cast<int>(kDone);
  });
}

int run(const verb::Verify& verb, Console& console) {
  return on_folder(console, [&] {
    StageProgress stages(console);
    storage::Database database(existing(verb.data, stages));
    const auto report = storage::verify(database, stages.function());
    stages.finish();
    for (const auto& problem : report.problems) console.print(printable(problem));
    if (!report.good())
      return console.fail(console.text(phrase::verify_bad, report.problems.size()), kRefused);
    console.say(phrase::verify_good, grouped(report.partitions), grouped(report.entries),
                grouped(report.rows), report.state_hash);
    return static_cast<int>(kDone);
  });
}

int run(const verb::Rebuild& verb, Console& console) {
  return on_folder(console, [&] {
    StageProgress stages(console);
    auto options = existing(verb.data, stages);
    options.accept_loss = verb.accept_loss;
    storage::Database database(std::move(options));
    storage::rebuild(database, stages.function());
    stages.finish();
    console.say(phrase::rebuilt, verb.data);
    return static_cast<int>(kDone);
  });
}

}  // namespace amicale::admin
