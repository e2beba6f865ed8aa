// SPDX-License-Identifier: AGPL-3.0-or-later
//
// `amicale chat`: the screen, the terminal and the SDK, connected.
#include <poll.h>
#include <unistd.h>

#include "amicale/client/client.h"
#include "server/admin/audit_pins.h"
#include "server/admin/chat_screen.h"
#include "server/admin/chat_terminal.h"
#include "server/admin/console.h"
#include "server/admin/verbs.h"
#include "server/admin/version.h"

namespace amicale::admin {
namespace {

constexpr int kRefreshMs = 500;            // countdowns and typing lapse without an event
constexpr std::size_t kKeysAtOnce = 2000;  // of a paste, before the screen is shown again

client::Options options_for(const Connection::Target& target) {
  client::Options options;
  options.url = target.url;
  options.token = target.token;
  options.ca_file = target.ca_file;
  options.verify_certificate = target.verify_certificate;
  options.client_name = std::string("amicale-chat/") + kVersion;
  options.language = target.language;
  return options;
}

std::tm local_time_of(std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts;
}

// False: the person quits.
bool act(const std::vector<Effect>& effects, client::Client& client, ChatTerminal& terminal) {
  for (const Effect& effect : effects) {
    if (std::holds_alternative<Quit>(effect)) return false;
    if (const auto* asked = std::get_if<Ask>(&effect)) {
      client.call(asked->request,
                  [](const client::Result<v1::Reply>&) {});  // its Answered tells the screen
    } else if (const auto* follow = std::get_if<FollowStream>(&effect)) {
      client.follow(follow->stream);
    } else {
      terminal.ring();
    }
  }
  return true;
}

void chat(const verb::Chat& verb, const Connection::Target& target, v1::Language language,
          const std::filesystem::path& folder) {
  AuditPins pins(folder, target.url);
  auto options = options_for(target);
  options.audit_store = &pins;
  client::Client client(std::move(options));
  ChatScreen screen({language, verb.club, verb.room, local_time_of});
  ChatTerminal terminal;
  client.connect();
  while (!ChatTerminal::told_to_stop()) {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& happening : client.poll()) screen.on(happening, now);
    for (std::size_t i = 0; i < kKeysAtOnce; ++i) {
      const auto key = terminal.next_key();
      if (!key) break;
      if (key->code == Key::Code::ctrl && key->text == "l")
        terminal.redraw();
      else
        screen.on(*key, now);
    }
    terminal.show(screen.draw(terminal.rows(), terminal.columns(), now));
    if (!act(screen.take_effects(), client, terminal)) break;
    pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {client.notification_fd(), POLLIN, 0}};
    ::poll(waits, 2, kRefreshMs);
    if ((waits[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) break;  // the terminal is gone
  }
  client.close(client::Milliseconds(1000));
}

}  // namespace

int run(const verb::Chat& verb, Console& console) {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) {
    return console.fail_usage(phrase::chat_no_terminal);
  }
  const auto target = console.target(true);
  if (!target) return target.error();
  chat(verb, *target, console.language(), console.options().profile_file.parent_path());
  return kDone;
}

}  // namespace amicale::admin
