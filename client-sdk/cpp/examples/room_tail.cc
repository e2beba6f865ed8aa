// SPDX-License-Identifier: Apache-2.0
//
// Prints what is said in one room, from its last twenty messages on, like tail -f.
//   amicale_room_tail ws://localhost:8080 LOGIN PASSWORD CLUB_ID ROOM_ID
#include <poll.h>

#include <cstdlib>
#include <iostream>

#include "amicale/client/client.h"
#include "amicale/client/model.h"

namespace v1 = amicale::v1;
using namespace amicale::client;

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: " << argv[0] << " URL LOGIN PASSWORD CLUB_ID ROOM_ID\n";
    return 2;
  }
  const Stream club = Stream::club(std::strtoull(argv[4], nullptr, 10));
  const std::uint64_t room = std::strtoull(argv[5], nullptr, 10);

  Client client({.url = argv[1], .client_name = "amicale-room-tail/0.1", .follow = {club}});
  if (const auto login = client.login(argv[2], argv[3], "room tail").get(); !login) {
    std::cerr << "login: " << login.error().message << "\n";
    return 1;
  }

  Model model;
  std::uint64_t shown = 0;  // number of the last message printed
  for (;;) {
    pollfd ready{client.notification_fd(), POLLIN, 0};
    ::poll(&ready, 1, -1);
    for (const Happening& happening : client.poll()) {
      model.apply(happening, std::chrono::steady_clock::now());
      if (const auto* waiting = std::get_if<Waiting>(&happening)) {
        std::cout << "-- " << waiting->why.message << "; trying again\n";
      }
      if (const auto* closed = std::get_if<Closed>(&happening)) {
        std::cerr << "-- closed: " << closed->why.message << "\n";
        return 1;
      }
      if (const auto* resynced = std::get_if<Resynced>(&happening);
          resynced && resynced->stream == club) {
        v1::GetHistory page;
        *page.mutable_stream() = club.proto();
        page.set_room_id(room);
        page.set_before(20);
        client.call(std::move(page));
      }
    }
    const Timeline* timeline = model.timeline(club, room);
    if (timeline == nullptr) continue;
    for (const Row& row : timeline->last_rows(20)) {
      if (row.message == nullptr || row.message->number() <= shown) continue;
      shown = row.message->number();
      std::cout << model.author_name(club, *row.message) << ": "
                << (row.message->deleted() ? "(deleted)" : row.message->body()) << std::endl;
    }
  }
}
