// SPDX-License-Identifier: Apache-2.0
//
// A bot that answers in every room of a club: whoever says "!echo something" is told "something".
//   amicale_echo_bot ws://localhost:8080 LOGIN PASSWORD CLUB_ID
#include <cstdlib>
#include <iostream>
#include <semaphore>
#include <string_view>

#include "amicale/client/client.h"

using namespace amicale::client;

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: " << argv[0] << " URL LOGIN PASSWORD CLUB_ID\n";
    return 2;
  }
  const Stream club = Stream::club(std::strtoull(argv[4], nullptr, 10));
  std::binary_semaphore over{0};
  Client* self = nullptr;
  std::uint64_t live_from = 0;  // events up to here were there before us

  Options options;
  options.url = argv[1];
  options.client_name = "amicale-echo-bot/0.1";
  options.signals = false;
  options.on_happening = [&](const Happening& happening) {
    if (const auto* resynced = std::get_if<Resynced>(&happening)) live_from = resynced->at.seq;
    if (const auto* closed = std::get_if<Closed>(&happening)) {
      std::cerr << "closed: " << closed->why.message << "\n";
      over.release();
    }
    if (const auto* answered = std::get_if<Answered>(&happening); answered && !answered->result) {
      std::cerr << "not posted: " << answered->result.error().message << "\n";
    }
    const auto* batch = std::get_if<Batch>(&happening);
    if (batch == nullptr || batch->stream != club) return;
    for (const auto& event : batch->events) {
      if (!event.has_message_posted() || event.seq() <= live_from) continue;
      const auto& message = event.message_posted();
      constexpr std::string_view command = "!echo ";
      if (!message.body().starts_with(command)) continue;
      self->post(club, message.room_id(), message.body().substr(command.size()), message.number());
    }
  };

  Client client(std::move(options));
  self = &client;
  if (const auto login = client.login(argv[2], argv[3], "echo bot").get(); !login) {
    std::cerr << "login: " << login.error().message << "\n";
    return 1;
  }
  client.follow(club);
  std::cout << "listening in " << club.text() << "; stop with Ctrl-C\n";
  over.acquire();
}
