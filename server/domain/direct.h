// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of direct conversations: one side asks, the other accepts, each may block. Messages in them
// are message.h's.
#pragma once

#include <cstdint>

#include "amicale/v1/direct.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

// Looked up by the caller. Asking needs it; talking on does not.
struct DirectFacts {
  bool share_a_club = false;  // both sides are active or paused in one same club
  // Requests of who asks that wait for an answer; of an officer none are counted.
  std::size_t unanswered = 0;
};

// Asks. Asking back who asked accepts. NOT_FOUND when the two share no club, CONFLICT direct.requests when too many were
// asked and have not answered. object_id: the conversation.
Result<Decision> open_direct(const DirectState& direct, const DirectFacts& facts,
                             const v1::OpenDirect& request, std::uint64_t account_id);

// Accepts or declines, by the side that was asked; a declined request may still be accepted later.
Result<Decision> answer_direct(const DirectState& direct, const v1::AnswerDirect& request,
                               std::uint64_t account_id);

// Blocks or unblocks the other side, who is not told: the event is for the one who blocks.
Result<Decision> block_direct(const DirectState& direct, const DirectFacts& facts,
                              const v1::BlockDirect& request, std::uint64_t account_id);

// Whether anybody may write in it: open, and nobody blocks.
Result<void> check_talking(const DirectState& direct);

}  // namespace amicale::domain
