// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What a rule answers. A rule is a total pure function: (state, facts, request, actor, now) ->
// Result<Decision>. It reads no clock, no disk and no random number; what it needs of those comes
// as facts.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "amicale/v1/event.pb.h"
#include "server/domain/refusal.h"
#include "server/domain/roles.h"
#include "store/log.pb.h"

namespace amicale::domain {

// How many of the committee stand behind a heavy act: who asks for it alone, or a second one who confirms it, too.
enum class Consent : std::uint8_t { one, two };

// One event to append. Only the event's body is set: seq, time, actor and client_msg_id are the
// partition's to fill, except that an imported message brings its own client_msg_id. The private
// part comes without its salt.
struct Decided {
  v1::Event event;
  store::Audience audience;
  store::PrivatePart private_part;
  bool automatic =
      false;  // the server's own doing: the event has no actor. Not the first of a decision
              // that answers a command.
};

// Empty `events`: the request was right, and nothing has to change.
struct Decision {
  std::vector<Decided> events{};
  std::uint64_t object_id =
      0;  // what was made or meant: message number, room id, club id, invitation id, token id
  std::uint64_t proposal_id =
      0;  // it waits for a second member under this number; object_id is 0 then
  std::vector<std::uint64_t> numbers{};  // ImportMessages: the number of each message

  // Appends an event for `roles`, and for `account` whatever its role (0 = nobody).
  Decided& add(RoleSet roles, std::uint64_t account = 0) {
    Decided& decided = events.emplace_back();
    decided.audience.set_roles(roles);
    decided.audience.set_account(account);
    return decided;
  }
};

}  // namespace amicale::domain
