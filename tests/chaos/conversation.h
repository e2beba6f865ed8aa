// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "tests/chaos/crowd.h"
#include "tests/chaos/server_process.h"

namespace amicale::chaos {

// A control group beside a trial: the voice says something in the room of all, and the next thing when that is acknowledged and
// every listener has it. However slow a machine is such a round ends, unless somebody in it waits for what goes on beside: so
// rounds are counted, and no time is judged. Answers how many ended; fewer than `rounds` when one was refused, or did not end
// within the crowd's patience.
std::uint64_t talk_in_rounds(Crowd& crowd, Visitor& voice, std::span<Visitor* const> listeners,
                             const ServerProcess& server, std::uint64_t rounds);

// Each listener has so many events, each once, and all in one order.
bool have_all(std::span<Visitor* const> listeners, const v1::StreamId& stream,
              std::uint64_t events);

}  // namespace amicale::chaos
