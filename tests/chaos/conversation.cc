// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/chaos/conversation.h"

#include <algorithm>
#include <memory>
#include <string>

#include "tests/chaos/requests.h"

namespace amicale::chaos {

std::uint64_t talk_in_rounds(Crowd& crowd, Visitor& voice, std::span<Visitor* const> listeners,
                             const ServerProcess& server, std::uint64_t rounds) {
  struct Round {
    bool answered = false;
    std::uint64_t seq = 0;  // 0: refused
  };
  const auto stream = server.stream();
  for (std::uint64_t ended = 0; ended < rounds; ++ended) {
    const auto round =
        std::make_shared<Round>();  // an answer may outlive a round that was given up
    // Begins with when it was said, as everything that is said in a trial.
    auto said = std::to_string(Clock::now().time_since_epoch().count());
    voice.send(post(stream, server.room(v1::ROOM_ACCESS_ALL), std::move(said)),
               [round](const v1::Reply& reply) {
                 round->answered = true;
                 if (!reply.has_refusal()) round->seq = reply.post_message().last_seq();
               });
    const bool done = crowd.run_until([&] {
      if (!round->answered) return false;
      return round->seq == 0 || std::ranges::all_of(listeners, [&](Visitor* listener) {
               return listener->at(stream).cursor >= round->seq;
             });
    });
    if (!done || round->seq == 0) return ended;
  }
  return rounds;
}

bool have_all(std::span<Visitor* const> listeners, const v1::StreamId& stream,
              std::uint64_t events) {
  return std::ranges::all_of(listeners, [&](Visitor* listener) {
    const Followed& followed = listener->at(stream);
    return followed.faults == 0 && followed.events == events &&
           followed.hash == listeners.front()->at(stream).hash;
  });
}

}  // namespace amicale::chaos
