// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/messages.h"

#include <algorithm>

#include "server/commands/names.h"
#include "server/commands/on_behalf.h"
#include "server/domain/held_message.h"
#include "server/domain/limits.h"
#include "server/domain/message.h"
#include "server/domain/raid.h"
#include "server/domain/text.h"

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

// The block that an address belongs to: /24 of IPv4; of IPv6, the caller has the /64 already.
uint64_t block_of(const std::string& address) {
  if (address.empty()) return 0;
  const bool v4 = address.find(':') == std::string::npos;
  return domain::antispam::hash_of(v4 ? address.substr(0, address.rfind('.')) : address);
}

// A text that was read before its turn: what costs time is done on the caller's shard.
struct Judging {
  const domain::antispam::Shield* shield = nullptr;  // null: it is not judged
  domain::antispam::Reading reading;
  uint64_t address = 0;
};

Judging read_text(const Gate& gate, const Caller& caller, storage::PartitionId where,
                  const std::string& body) {
  Judging judging;
  const bool judged = gate.shield != nullptr && where.kind == v1::STREAM_KIND_CLUB &&
                      caller.account_id != 0 && domain::check_body(body);
  if (!judged) return judging;
  judging.shield = gate.shield;
  judging.reading = gate.shield->filter().read(gate.shield->rules_of(where.id), body);
  judging.address = block_of(caller.address);
  return judging;
}

// Distinct authors who said alike in other clubs lately.
uint32_t said_elsewhere(const Deciding& now, const domain::antispam::Reading& reading,
                        uint64_t author) {
  constexpr int64_t lately_ms = 600'000;
  if (now.said == nullptr || !reading.sketch || !domain::antispam::worth_comparing(reading)) {
    return 0;
  }
  return now.said
      ->count(*reading.sketch, {.by = author,
                                .since_ms = now.now_ms - lately_ms,
                                .alike_since_ms = now.now_ms - lately_ms,
                                .not_in = now.club().id()})
      .authors;
}

// The last step of the turn: the verdict on what the rules of messages let pass.
Result<Decision> judged(const Deciding& now, const Judging& judging, const domain::Actor& actor,
                        Result<Decision> decided) {
  if (!decided || judging.shield == nullptr || now.memory == nullptr || decided->events.empty()) {
    return decided;
  }
  const auto& club = now.club();
  const v1::Event& event = decided->events.front().event;
  const bool edit = event.has_message_edited();
  const auto& mentions =
      edit ? event.message_edited().mentions() : event.message_posted().mentions();
  const store::StandingRow standing = now.facts.standing(club.id(), actor.account_id);
  constexpr int64_t adverts_ms = int64_t{30} * 86'400'000;
  domain::antispam::Circumstances circumstances{
      .actor = actor,
      .standing = {.accepted = standing.accepted(),
                   .rejected = standing.rejected(),
                   .vouched_by = standing.vouched_by(),
                   .since_ms = standing.since_ms()},
      .room_id = edit ? event.message_edited().room_id() : event.message_posted().room_id(),
      .now_ms = now.now_ms,
      .edit = edit,
      .mentions = static_cast<uint32_t>(mentions.accounts_size()),
      .adverts_lately = static_cast<uint32_t>(std::ranges::count_if(
          standing.adverts(), [&](int64_t at) { return at > now.now_ms - adverts_ms; })),
      .address = judging.address,
      .elsewhere = said_elsewhere(now, judging.reading, actor.account_id),
      .apes_officer = apes_officer(now, *judging.shield, actor)};
  const auto verdict = domain::antispam::judge(judging.shield->rules_of(club.id()), judging.reading,
                                               circumstances, *now.memory);
  return domain::act_on(verdict, std::move(*decided), club, actor.account_id);
}

// Who has just come in and says alike, as judging compares texts. Nothing where it does not.
std::optional<domain::Cluster> find_cluster(const Deciding& now, const Judging& judging,
                                            const domain::Actor& actor) {
  if (judging.shield == nullptr || now.memory == nullptr || !judging.reading.sketch ||
      now.watch.joins_per_minute == 0 || !domain::is_young(now.club(), actor)) {
    return std::nullopt;
  }
  const auto alike = now.memory->texts().alike_since(
      *judging.reading.sketch, now.now_ms - domain::limits::raid_similar_ms + 1);
  return domain::find_cluster(now.club(), alike, actor);
}

// As who asks, or as those whom they act for: in a club alone.
template <class Request, class Rule>
Result<Decision> decide_in(const domain::Place& place, const Request& request,
                           const domain::Actor& actor, Rule rule) {
  if (place.club) return decide_for(*place.club, request, actor, rule);
  if (request.has_on_behalf()) return domain::bad_request("on_behalf", "behalf.no_club");
  return rule(actor);
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

Result<Prepared> post_message(const Gate& gate, const Caller& caller,
                              const v1::PostMessage& request) {
  auto where = message_partition(request.stream());
  if (!where) return std::unexpected(where.error());
  Decide decide = [&request, who = Who(caller),
                   judging = read_text(gate, caller, *where, request.body())](const Deciding& now) {
    auto [place, actor] = scene(now, who);
    const domain::PostFacts facts{.watch = now.watch, .cluster = find_cluster(now, judging, actor)};
    return judged(now, judging, actor, domain::post_message(place, request, actor, facts));
  };
  return prepare(caller, *where, v1::ClientFrame::kPostMessage, request.client_msg_id(),
                 std::move(decide));
}

Result<Prepared> edit_message(const Gate& gate, const Caller& caller,
                              const v1::EditMessage& request) {
  auto where = message_partition(request.stream());
  if (!where) return std::unexpected(where.error());
  Decide decide = [&request, who = Who(caller),
                   judging = read_text(gate, caller, *where, request.body())](const Deciding& now) {
    auto [place, actor] = scene(now, who);
    auto message = named_message(now, request);
    return judged(now, judging, actor,
                  domain::edit_message(place, message ? &*message : nullptr, request, actor));
  };
  return prepare(caller, *where, v1::ClientFrame::kEditMessage, request.client_msg_id(),
                 std::move(decide));
}

Result<Prepared> review_held(const Caller& caller, const v1::ReviewHeld& request) {
  const auto where = storage::PartitionId::club(request.club_id());
  Decide decide = [&request, who = Who(caller), where](const Deciding& now) {
    const auto& club = now.club();
    const auto actor = domain::actor_in(club, who.account_id, who.site_role, now.now_ms);
    const auto held = now.facts.held(club.id(), request.held_id());
    std::optional<v1::Message> edited;
    if (held && held->number() != 0) {
      edited = now.facts.message(where, held->room_id(), held->number());
    }
    return domain::review_held(club, held ? &*held : nullptr, edited ? &*edited : nullptr, request,
                               actor);
  };
  return prepare(caller, where, v1::ClientFrame::kReviewHeld, request.client_msg_id(),
                 std::move(decide));
}

Result<Prepared> delete_message(const Caller& caller, const v1::DeleteMessage& request) {
  auto rule = [](const domain::Place& place, const v1::Message* message,
                 const v1::DeleteMessage& asked, const domain::Actor& actor) {
    return decide_in(place, asked, actor, [&](const domain::Actor& who) {
      return domain::delete_message(place, message, asked, who);
    });
  };
  return commit_on_message(caller, v1::ClientFrame::kDeleteMessage, request, rule);
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
    const auto& where_said = place;
    return decide_in(where_said, request, actor, [&](const domain::Actor& by) {
      return domain::restore_message(where_said, message ? &*message : nullptr,
                                     words ? &*words : nullptr, request, by);
    });
  };
  return prepare(caller, *where, v1::ClientFrame::kRestoreMessage, request.client_msg_id(),
                 std::move(decide));
}

Result<Prepared> lock_message(const Caller& caller, const v1::LockMessage& request) {
  auto rule = [](const domain::Place& place, const v1::Message* message,
                 const v1::LockMessage& asked, const domain::Actor& actor) {
    return decide_in(place, asked, actor, [&](const domain::Actor& who) {
      return domain::lock_message(place, message, asked, who);
    });
  };
  return commit_on_message(caller, v1::ClientFrame::kLockMessage, request, rule);
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
