// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/messages.h"

#include "server/domain/message.h"

namespace amicale::commands {
namespace {

using domain::Decision;
using domain::Result;
using log::Deciding;

// Where a message command goes: a club or a direct conversation.
Result<storage::PartitionId> message_partition(const v1::StreamId& stream) {
  if (stream.id() == 0 ||
      (stream.kind() != v1::STREAM_KIND_CLUB && stream.kind() != v1::STREAM_KIND_DIRECT)) {
    return domain::bad_request("stream");
  }
  return storage::PartitionId{stream.kind(), stream.id()};
}

struct Scene {
  domain::Place place;
  domain::Actor actor;
};

// What a decision needs of its caller: a copy is two numbers.
struct Who {
  explicit Who(const Caller& caller) : account_id(caller.account_id), site_role(caller.site_role) {}
  uint64_t account_id;
  v1::SiteRole site_role;
};

Scene scene(const Deciding& now, const Who& caller) {
  if (const auto* club = std::get_if<domain::ClubState>(&now.state)) {
    return {{.club = club},
            domain::actor_in(*club, caller.account_id, caller.site_role, now.now_ms)};
  }
  return {{.direct = &now.direct()}, domain::actor_on_site(caller.account_id, caller.site_role)};
}

// The message that a request names, as this turn sees it.
template <class Request>
std::optional<v1::Message> named_message(const Deciding& now, const Request& request) {
  return now.facts.message({request.stream().kind(), request.stream().id()}, request.room_id(),
                           request.number());
}

template <class Request, class Rule>
Result<Prepared> commit_on_message(const Caller& caller, v1::ClientFrame::BodyCase kind,
                                   const Request& request, Rule rule) {
  auto where = message_partition(request.stream());
  if (!where) return std::unexpected(where.error());
  Decide decide = [&request, who = Who(caller), rule](const Deciding& now) -> Result<Decision> {
    auto [place, actor] = scene(now, who);
    auto message = named_message(now, request);
    return rule(place, message ? &*message : nullptr, request, actor);
  };
  return prepare(caller, *where, kind, request.client_msg_id(), std::move(decide));
}

}  // namespace

std::optional<domain::DeletedWords> deleted_words(const storage::View& facts,
                                                  storage::PartitionId where,
                                                  const v1::Message& message) {
  if (message.deleted_seq() == 0) return std::nullopt;
  auto part = facts.private_part(where, message.deleted_seq());
  if (!part) return std::nullopt;
  return domain::DeletedWords{std::move(*part->mutable_previous_body()),
                              std::move(*part->mutable_previous_mentions())};
}

Result<Prepared> post_message(const Caller& caller, const v1::PostMessage& request) {
  auto where = message_partition(request.stream());
  if (!where) return std::unexpected(where.error());
  Decide decide = [&request, who = Who(caller)](const Deciding& now) {
    auto [place, actor] = scene(now, who);
    return domain::post_message(place, request, actor);
  };
  return prepare(caller, *where, v1::ClientFrame::kPostMessage, request.client_msg_id(),
                 std::move(decide));
}

Result<Prepared> edit_message(const Caller& caller, const v1::EditMessage& request) {
  return commit_on_message(caller, v1::ClientFrame::kEditMessage, request, &domain::edit_message);
}

Result<Prepared> delete_message(const Caller& caller, const v1::DeleteMessage& request) {
  return commit_on_message(caller, v1::ClientFrame::kDeleteMessage, request,
                           &domain::delete_message);
}

Result<Prepared> restore_message(const Caller& caller, const v1::RestoreMessage& request) {
  auto where = message_partition(request.stream());
  if (!where) return std::unexpected(where.error());
  Decide decide = [&request, who = Who(caller),
                   where = *where](const Deciding& now) -> Result<Decision> {
    auto [place, actor] = scene(now, who);
    auto message = named_message(now, request);
    std::optional<domain::DeletedWords> words;
    if (message) words = deleted_words(now.facts, where, *message);
    return domain::restore_message(place, message ? &*message : nullptr, words ? &*words : nullptr,
                                   request, actor);
  };
  return prepare(caller, *where, v1::ClientFrame::kRestoreMessage, request.client_msg_id(),
                 std::move(decide));
}

Result<Prepared> lock_message(const Caller& caller, const v1::LockMessage& request) {
  return commit_on_message(caller, v1::ClientFrame::kLockMessage, request, &domain::lock_message);
}

Result<Prepared> react(const Caller& caller, const v1::React& request) {
  return commit_on_message(caller, v1::ClientFrame::kReact, request, &domain::react);
}

Result<Prepared> pin_message(const Caller& caller, const v1::PinMessage& request) {
  return commit_on_message(caller, v1::ClientFrame::kPinMessage, request, &domain::pin_message);
}

Answer<v1::ImportMessagesReply> import_messages(Gate& gate, Caller caller,
                                                const v1::ImportMessages& request) {
  auto where = storage::PartitionId::club(request.club_id());
  std::vector<uint64_t> known;
  Decide decide = [&request, caller, &known](const Deciding& now) {
    auto [place, actor] = scene(now, Who(caller));
    known.clear();
    for (const auto& message : request.messages()) {
      auto row = now.facts.idempotency(storage::PartitionId::club(request.club_id()),
                                       caller.account_id, message.client_msg_id());
      known.push_back(row ? row->committed().object_id() : 0);
    }
    return domain::import_messages(place, known, request, actor, now.now_ms);
  };
  auto outcome = co_await commit(gate, caller, where, v1::ClientFrame::kImportMessages,
                                 request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  v1::ImportMessagesReply reply;
  for (uint64_t number : outcome->numbers) reply.add_numbers(number);
  for (uint64_t number : known) reply.set_already_there(reply.already_there() + (number != 0));
  if (outcome->committed.repeated()) reply.set_already_there(request.messages_size());
  co_return reply;
}

}  // namespace amicale::commands
