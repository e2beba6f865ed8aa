// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>

namespace amicale::reference {

// When a message goes out to a room's members.
enum class Sending { each_message, once_per_turn };

// What a server that sends each message may get wrong on purpose, now and then, so that the generator's checks are seen to
// find it.
enum class Fault { none, lose, repeat, swap };

// The least that a WebSocket chat server can do: one thread, one epoll, rooms without rules or memory. Corked, all that a
// loop's turn brings to a room is one buffer, and each member gets it by one system call: the machine's limit.
// Serves until the process ends. `ready` is told the port.
void run_epoll_server(Sending sending, Fault fault, const std::function<void(uint16_t)>& ready);

// The same over Boost.Beast, corked: bytes framed once and shared, one gathering write per session and turn. Our stack's
// limit.
void run_beast_server(const std::function<void(uint16_t)>& ready);

}  // namespace amicale::reference
