// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>

#include "server/domain/limits.h"
#include "server/domain/message.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"

namespace amicale::queries {

namespace limits = domain::limits;

Result<v1::GetHistoryReply> history(const View& view, const Caller& caller,
                                    const v1::GetHistory& request) {
  auto stream = storage::partition_of(request.stream());
  if (!stream) return domain::bad_request("stream");
  auto room = read_room(view, caller, *stream, request.room_id());
  if (!room) return std::unexpected(room.error());
  if (uint64_t asked = uint64_t{request.before()} + request.after(); asked > limits::history_page) {
    return domain::too_large("before", limits::history_page, asked);
  }
  v1::GetHistoryReply reply;
  reply.set_head_number(room->head_number());
  reply.set_seq(view.head(*stream).seq());
  const uint64_t around =
      request.around() == 0 ? room->head_number() : std::min(request.around(), room->head_number());
  // A page ends early rather than outgrow a frame; half of it for each side.
  const std::size_t most_bytes = limits::server_frame_bytes / 2;
  std::vector<v1::Message> older;
  std::size_t bytes = 0;
  if (around > 0 && request.before() > 0) {
    older =
        view.messages(*stream, request.room_id(), around, request.before(), View::Direction::older);
  }
  std::size_t keep = 0;
  while (keep < older.size() && bytes < most_bytes) bytes += older[keep++].ByteSizeLong();
  for (std::size_t i = keep; i-- > 0;) *reply.add_messages() = std::move(older[i]);
  if (request.after() > 0 && around < room->head_number()) {
    auto newer = view.messages(*stream, request.room_id(), around + 1, request.after(),
                               View::Direction::newer);
    bytes = 0;
    for (auto& message : newer) {
      if (bytes >= most_bytes) break;
      bytes += message.ByteSizeLong();
      *reply.add_messages() = std::move(message);
    }
  }
  return reply;
}

Result<v1::CountMentionsReply> count_mentions(const View& view, const Caller& caller,
                                              const v1::CountMentions& request) {
  auto stream = storage::PartitionId::club(request.club_id());
  auto room = read_room(view, caller, stream, request.room_id());
  if (!room) return std::unexpected(room.error());
  domain::ClubState club(request.club_id());
  for (const auto& member : view.members_of(request.club_id())) club.load(member);
  auto state = room_state(*room);
  v1::Mentions mentions;
  mentions.set_committee(request.committee());
  mentions.set_all(request.all());
  v1::CountMentionsReply reply;
  reply.set_head_count(domain::count_mentioned(club, state, mentions, caller.account_id));
  auto actor = actor_in(view, caller, request.club_id());
  auto may = [&](bool wanted, domain::Action action) {
    return !wanted || domain::may(actor, action, {.room = &state}).has_value();
  };
  reply.set_allowed(may(request.all(), domain::Action::mention_all) &&
                    may(request.committee(), domain::Action::mention_committee));
  return reply;
}

}  // namespace amicale::queries
