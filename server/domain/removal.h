// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of taking away, and bringing back, many of somebody's messages at once: one command, one commit,
// exactly the messages that whoever decides has looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "amicale/v1/moderation.pb.h"
#include "server/domain/decision.h"
#include "server/domain/message.h"
#include "server/domain/state.h"

namespace amicale::domain {

// Of one account, or of all newcomers (raid.h) at once; of whoever ranks below, each for themselves.
// object_id: the removal's id; 0 when nothing was left to remove. `messages` are those that the request
// names and that there are, in order.
Result<Decision> remove_messages(const ClubState& club, const std::vector<v1::Message>& messages,
                                 const v1::RemoveMessages& request, const Actor& actor);

// A message of a removal as it is now, with the words that its deletion took.
struct Removed {
  v1::Message message{};
  std::optional<DeletedWords> words{};
};

// `removal` is the one that the request names, null when there is none.
Result<Decision> undo_removal(const ClubState& club, const v1::Removal* removal,
                              const std::vector<Removed>& messages, const Actor& actor);

}  // namespace amicale::domain
