// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The site as a whole, on a running server: roles, devices, counters, backup.
#include <fmt/format.h>

#include <cmath>

#include "server/admin/console.h"
#include "server/admin/table.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"

namespace amicale::admin {
namespace {

std::string number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return fmt::format("{}", static_cast<long long>(value));
  }
  return fmt::format("{:.6g}", value);
}

}  // namespace

int run(const verb::SiteRole& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::SetSiteRole request;
  request.set_login(verb.login);
  request.set_role(verb.role);
  return console.report((*connection)->call(std::move(request)));
}

int run(const verb::Stats& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto reply = (*connection)->call(v1::GetStats{});
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  console.say(phrase::server_up, printable(reply->version()),
              spelled(std::chrono::seconds(reply->uptime_ms() / 1000)));
  Table table({console.text(phrase::col_counter), console.text(phrase::col_labels),
               console.text(phrase::col_value)});
  for (const auto& stat : reply->stats()) {
    if (stat.name().find(verb.filter) == std::string::npos) continue;
    // Histograms: their count and sum say enough, unless they are asked for.
    if (stat.name().ends_with("_bucket") && !verb.filter.ends_with("bucket")) continue;
    table.add({stat.name(), stat.labels(), number(stat.value())});
  }
  console.print(table.text());
  return kDone;
}

int run(const verb::Backup& verb, Console& console) {
  auto connection = console.connect(true);
  if (!connection) return connection.error();
  v1::CreateBackup request;
  request.set_name(verb.name);
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json())
    console.print_json(*reply);
  else
    console.say(phrase::backup_made, printable(reply->path()), grouped(reply->entries()),
                grouped(reply->bytes() / 1024), reply->took_ms());
  return kDone;
}

int run(const verb::TokenList&, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto reply = (*connection)->call(v1::ListTokens{});
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  Table table({console.text(phrase::col_number),
               console.text(phrase::col_device),
               console.text(phrase::col_since),
               {}});
  for (const auto& device : reply->devices()) {
    table.add({std::to_string(device.token_id()), device.name(), local_time(device.created_ms()),
               device.current() ? console.text(phrase::this_device) : ""});
  }
  console.print(table.text());
  return kDone;
}

int run(const verb::TokenRevoke& verb, Console& console) {
  if (verb.token == 0 && !verb.all) return console.fail_usage(phrase::token_or_all);
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::RevokeToken request;
  request.set_token_id(verb.token);
  request.set_all(verb.all);
  if (!verb.login.empty()) {
    v1::FindAccount find;
    find.set_login(verb.login);
    const auto found = (*connection)->call(std::move(find));
    if (!found) return console.fail(found.error());
    request.set_account_id(found->account_id());
  }
  return console.report((*connection)->call(std::move(request)));
}

}  // namespace amicale::admin
