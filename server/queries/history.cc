// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <unordered_map>

#include "server/domain/limits.h"
#include "server/domain/message.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"
#include "storage/field.h"

namespace amicale::queries {

namespace limits = domain::limits;

namespace {

// One side of a page: messages as fields of a GetHistoryReply, in order, and where each starts.
struct Side {
  std::string fields;
  std::vector<std::size_t> starts;

  void add(std::string_view message) {
    starts.push_back(fields.size());
    storage::append_field_head(fields, v1::GetHistoryReply::kMessagesFieldNumber, message.size());
    fields += message;
  }
};

}  // namespace

// Numbers in a room are dense, tombstones included: a page is a range of keys.
Result<std::string> history(const View& view, const Caller& caller, const v1::GetHistory& request) {
  auto stream = storage::partition_of(request.stream());
  if (!stream) return domain::bad_request("stream");
  auto room = read_room(view, caller, *stream, request.room_id());
  if (!room) return std::unexpected(room.error());
  if (uint64_t asked = uint64_t{request.before()} + request.after(); asked > limits::history_page) {
    return domain::too_large("before", limits::history_page, asked);
  }
  const uint64_t head = room->head_number();
  const uint64_t around = request.around() == 0 ? head : std::min(request.around(), head);
  // A page ends early rather than outgrow a frame; half of it for each side.
  const std::size_t most_bytes = limits::server_frame_bytes / 2;
  Side older;
  if (around > 0 && request.before() > 0) {
    const uint64_t first = around >= request.before() ? around - request.before() + 1 : 1;
    view.visit_messages(*stream, request.room_id(), first, around,
                        [&older](std::string_view message) { older.add(message); });
    std::size_t keep = older.starts.size();
    while (keep > 1 && older.fields.size() - older.starts[keep - 1] < most_bytes) --keep;
    if (keep > 0) older.fields.erase(0, older.starts[keep - 1]);
  }
  Side newer;
  if (request.after() > 0 && around < head) {
    view.visit_messages(*stream, request.room_id(), around + 1,
                        std::min(head, around + request.after()),
                        [&newer](std::string_view message) {
                          if (newer.fields.size() < most_bytes) newer.add(message);
                        });
  }
  v1::GetHistoryReply rest;
  rest.set_head_number(head);
  rest.set_seq(view.head(*stream).seq());
  std::string page = std::move(older.fields);
  page += newer.fields;
  rest.AppendToString(&page);
  return page;
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

// The committee sees what waits in the rooms that it reads; everybody sees their own.
Result<v1::ListHeldReply> held(const View& view, const Caller& caller,
                               const v1::ListHeld& request) {
  const auto actor = actor_in(view, caller, request.club_id());
  if (auto allowed = domain::may(actor, domain::Action::read_club); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (!view.club(request.club_id())) return domain::not_found();
  const std::size_t page = domain::limits::history_page;
  const std::size_t limit =
      request.limit() == 0 ? page : std::min<std::size_t>(request.limit(), page);
  v1::ListHeldReply reply;
  std::unordered_map<uint64_t, bool> reviewed_rooms;
  const auto reviews = [&](uint64_t room_id) {
    const auto [known, fresh] = reviewed_rooms.try_emplace(room_id, false);
    if (fresh) {
      if (const auto row = view.room(request.club_id(), room_id)) {
        domain::ClubState club(request.club_id());
        club.load(*row);
        known->second =
            domain::may(actor, domain::Action::review_held) &&
            domain::has(club.find_room(room_id)->readers(), domain::reading_role(actor));
      }
    }
    return known->second;
  };
  uint64_t after = request.after();
  std::size_t looked_at = 0;
  while (after != ~uint64_t{0} && static_cast<std::size_t>(reply.held_size()) < limit &&
         looked_at < domain::limits::held_looked_at) {
    auto rows = view.held_of(request.club_id(), after, page);
    for (auto& row : rows) {
      if (static_cast<std::size_t>(reply.held_size()) == limit) break;
      ++looked_at;
      after = row.held_id();
      if (row.reviewed() && !request.reviewed()) continue;
      if (row.author() != caller.account_id && !reviews(row.room_id())) continue;
      *reply.add_held() = std::move(row);
    }
    if (rows.size() < page) return reply;
  }
  if (after != ~uint64_t{0}) reply.set_after(after);
  return reply;
}

}  // namespace amicale::queries
