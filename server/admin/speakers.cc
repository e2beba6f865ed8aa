// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/speakers.h"

#include "server/admin/csv.h"
#include "server/admin/failure_text.h"

namespace amicale::admin {

OrExit<std::vector<Speaker>> log_speakers_in(const Console& console,
                                             const std::string& logins_file) {
  std::vector<Speaker> speakers;
  if (logins_file.empty()) {
    auto connection = console.connect(true);
    if (!connection) return std::unexpected(connection.error());
    speakers.push_back({.login = {}, .connection = std::move(*connection)});
    return speakers;
  }
  const auto text = read_file(console, logins_file, 1024 * 1024);
  if (!text) return std::unexpected(text.error());
  auto target = console.target(false);
  if (!target) return std::unexpected(target.error());
  CsvReader reader(*text);
  while (auto record = reader.next()) {
    if (!*record || (*record)->fields.size() < 2)
      return std::unexpected(console.fail_usage(phrase::logins_line, logins_file));
    auto entry = console.connect_to(*target);
    if (!entry) return std::unexpected(entry.error());
    v1::Login request;
    request.set_login((*record)->fields[0]);
    request.set_password((*record)->fields[1]);
    request.set_device_name("amicale");
    const auto reply = (*entry)->call(std::move(request));
    if (!reply) {
      return std::unexpected(console.fail(
          (*record)->fields[0] + ": " + explain(reply.error(), console.language()), kRefused));
    }
    Connection::Target own = *target;
    own.token = reply->token();
    own.reconnect = true;
    auto connection = console.connect_to(own);
    if (!connection) return std::unexpected(connection.error());
    speakers.push_back({.login = (*record)->fields[0], .connection = std::move(*connection)});
  }
  if (speakers.empty())
    return std::unexpected(console.fail_usage(phrase::logins_line, logins_file));
  return speakers;
}

}  // namespace amicale::admin
