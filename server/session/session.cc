// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "server/domain/direct.h"
#include "server/domain/limits.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"
#include "server/session/audit_news.h"
#include "storage/field.h"
#include "storage/log_reader.h"

namespace amicale::session {

namespace limits = domain::limits;

namespace {

constexpr uint32_t token_retry_ms = 100;
// Room for a reply or two is kept; an idle connection should hold little.
constexpr std::size_t kept_replies = 256;
// From the upgrade to a good Authenticate or Login while the server is full: a program has its token at hand.
constexpr int64_t hurried_authenticate_ms = 1'000;
// One message carries at most about this much of streams: enough to be efficient, little enough to be fair.
constexpr std::size_t message_budget = 256 * 1024;
constexpr std::size_t batch_budget = 128 * 1024;
// Pages of the log in the hands of one shard's slow readers: when many catch up at once, each gets smaller ones.
constexpr std::size_t pages_budget = 32 * 1024 * 1024;
constexpr std::size_t least_page = 16 * 1024;

// `rest`: further fields of the message, serialised already.
template <class Message>
void append_field(std::string& out, int field, const Message& message, std::string_view rest = {}) {
  const std::size_t size = message.ByteSizeLong();
  storage::append_field_head(out, field, size + rest.size());
  const std::size_t at = out.size();
  out.resize(at + size);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out.data() + at));
  out += rest;
}

// Why a connection ends, in one sentence.
std::string last_words(v1::CloseCode code, v1::Language language) {
  const bool english = language == v1::LANGUAGE_EN;
  switch (code) {
    case v1::CLOSE_CODE_GOING_AWAY:
      return english ? "The server is restarting: you will be reconnected."
                     : "Le serveur redémarre : vous serez reconnecté.";
    case v1::CLOSE_CODE_SLOW:
      return english ? "The connection is too slow: it resumes where it was."
                     : "La connexion est trop lente : elle reprendra où elle en était.";
    case v1::CLOSE_CODE_IDLE:
      return english ? "Nothing was heard from you for too long."
                     : "Rien n’est venu de votre côté depuis trop longtemps.";
    case v1::CLOSE_CODE_OVERLOADED:
      return english ? "The server is full: try again later."
                     : "Le serveur est plein : réessayez plus tard.";
    case v1::CLOSE_CODE_BAD_FRAME:
      return english ? "The client sent something that is not the protocol."
                     : "Le client a envoyé ce qui n’est pas du protocole.";
    case v1::CLOSE_CODE_AUTH_TIMEOUT:
      return english ? "You did not log in in time." : "Vous ne vous êtes pas connecté à temps.";
    case v1::CLOSE_CODE_REVOKED:
      return english ? "This device was logged out: log in again."
                     : "Cet appareil a été déconnecté : connectez-vous de nouveau.";
    case v1::CLOSE_CODE_UNSUPPORTED:
      return english ? "This client and this server speak no common version."
                     : "Ce client et ce serveur n’ont aucune version commune.";
    case v1::CLOSE_CODE_ABUSE:
      return english ? "Too many requests after being asked to slow down."
                     : "Trop de requêtes malgré les demandes de ralentir.";
    default: return {};
  }
}

}  // namespace

Session::Session(Place& place, Transport& transport, Peer peer)
    : hub::Writer(place.hub()),
      place_(place),
      transport_(transport),
      peer_(std::move(peer)),
      tasks_(place.shard().executor()),
      tokens_(place.settings().limits.requests_per_second(), 1'000,
              place.settings().limits.request_burst()),
      started_ms_(place.clock().steady_ms()),
      heard_ms_(started_ms_),
      signal_bytes_(limits::signal_bytes_per_second, 1'000, limits::signal_bytes_per_second) {
  caller_.address = peer_.address;
  caller_.connection_id = peer_.connection_id;
  caller_.language = place.settings().language;
  place_.add(*this);
}

Session::~Session() {
  place_.remove(*this);
  if (writing_) place_.give_back(std::move(writing_));
}

// --- Input ---

bool Session::accepts_input() const {
  if (gone_)
    return true;  // what is read now is the end; answers that can't be written must not hold it up
  return in_flight_ < place_.settings().limits.requests_in_flight() &&
         replies_.size() < limits::unsent_reply_bytes;
}

void Session::receive(std::string_view bytes) {
  auto& metrics = place_.shard().metrics();
  ++metrics.frames_in;
  metrics.bytes_in += bytes.size();
  heard_ms_ = place_.clock().steady_ms();
  if (ending_ != v1::CLOSE_CODE_UNSPECIFIED) return;

  auto request = std::make_shared<Request>();
  request->frame = google::protobuf::Arena::CreateMessage<v1::ClientFrame>(&request->arena);
  if (!request->frame->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      request->frame->request_id() == 0) {
    end(v1::CLOSE_CODE_BAD_FRAME, 0);
    return;
  }
  const uint32_t id = request->frame->request_id();
  const Route* route = find_route(request->frame->body_case());
  if (!tokens_.take(heard_ms_, route ? route->cost : 1)) {
    if (++strikes_ >= limits::rate_limit_strikes) return end(v1::CLOSE_CODE_ABUSE, 0);
    return refuse_request(
        id, domain::rate_limited(
                "rate.requests",
                std::max(token_retry_ms, tokens_.retry_after_ms(route ? route->cost : 1)))
                .error());
  }
  if (strikes_ > 0) --strikes_;
  if (!route) return refuse_request(id, {.code = v1::REFUSAL_CODE_UNSUPPORTED});
  if (!greeted_ && route->body != v1::ClientFrame::kHello) {
    return refuse_request(id, domain::bad_request("hello", "session.hello_first").error());
  }
  if (route->entry == Entry::account && caller_.account_id == 0) {
    return refuse_request(id, {.code = v1::REFUSAL_CODE_UNAUTHENTICATED});
  }
  ++in_flight_;
  if (route->one_commit.prepare) return commit(std::move(request), *route);
  tasks_.spawn_whole("request", handle(std::move(request)));
}

// What is said and answered in one commit is most of what clients ask: it passes without a coroutine.
void Session::commit(std::shared_ptr<Request> request, const Route& route) {
  const v1::ClientFrame& frame = *request->frame;
  v1::Reply& reply = *google::protobuf::Arena::CreateMessage<v1::Reply>(&request->arena);
  reply.set_request_id(frame.request_id());
  auto prepared = route.one_commit.prepare(place_.parts().gate, caller_, frame);
  if (!prepared) {
    refuse(reply, prepared.error(), caller_.language);
    return finish_request(frame, reply);
  }
  tasks_.begin_whole();
  log::Done done = [this, request = std::move(request), &reply,
                    place = route.one_commit.place](domain::Result<log::Outcome> outcome) mutable {
    if (!outcome && may_be_over(outcome.error())) {
      // The long way says that the sanction is over, and asks again.
      tasks_.spawn_whole("request", handle(std::move(request)));
      return tasks_.end_whole();
    }
    if (outcome) {
      *place(reply) = std::move(outcome->committed);
    } else {
      quote_charter(place_.parts(), *request->frame, outcome.error());
      refuse(reply, outcome.error(), caller_.language);
    }
    finish_request(*request->frame, reply);
    tasks_.end_whole();
  };
  place_.parts().gate.site.submit(prepared->where, std::move(prepared->command),
                                  place_.shard().executor(), std::move(done));
}

// The socket's end must not cut a command in two: what is decided is answered, if only to nobody.
runtime::Task<> Session::handle(std::shared_ptr<Request> request) {
  const v1::ClientFrame& frame = *request->frame;
  const Route* route = find_route(frame.body_case());
  Answered answered;
  v1::Reply& reply = answered.reply;
  if (route->handler || route->page) {
    answered = co_await answer(place_.parts(), caller_, frame);
  } else {
    reply.set_request_id(frame.request_id());
    try {
      auto done = co_await handle_here(frame, reply);
      if (!done && co_await is_over(place_.parts(), caller_.account_id, done.error())) {
        reply.clear_body();
        done = co_await handle_here(frame, reply);
      }
      if (!done) {
        explain_hold(place_.parts(), caller_.account_id, done.error());
        quote_charter(place_.parts(), frame, done.error());
        refuse(reply, done.error(), caller_.language);
      }
    } catch (const std::exception& e) {
      reply.Clear();
      refuse_as_incident(reply, peer_.connection_id, caller_.language, frame, e);
    }
  }
  finish_request(frame, reply, answered.rest);
}

void Session::finish_request(const v1::ClientFrame& frame, const v1::Reply& reply,
                             std::string_view rest) {
  --in_flight_;
  if (reply.has_refusal()) {
    spdlog::debug("request refused connection={} request_id={} request={} code={} rule={}",
                  peer_.connection_id, frame.request_id(), request_name(frame.body_case()),
                  static_cast<int>(reply.refusal().code()), reply.refusal().rule_id());
    auto& refusals = place_.shard().metrics().refusals;
    const auto code = static_cast<std::size_t>(reply.refusal().code());
    if (code < refusals.size()) ++refusals[code];
  }
  // A subscription's answer is already in place, before its first batch.
  if (!(reply.has_subscribe())) add_reply(reply, rest);
  if (input_stopped_ && accepts_input()) {
    input_stopped_ = false;
    transport_.resume_input();
  }
  wake();
}

void Session::add_reply(const v1::Reply& reply, std::string_view rest) {
  append_field(replies_, v1::ServerFrame::kRepliesFieldNumber, reply, rest);
}

void Session::refuse_request(uint32_t request_id, const domain::Refusal& refusal) {
  v1::Reply reply;
  reply.set_request_id(request_id);
  refuse(reply, refusal, caller_.language);
  auto& refusals = place_.shard().metrics().refusals;
  const auto code = static_cast<std::size_t>(refusal.code);
  if (code < refusals.size()) ++refusals[code];
  add_reply(reply);
  wake();
}

runtime::Task<domain::Result<void>> Session::handle_here(const v1::ClientFrame& frame,
                                                         v1::Reply& reply) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kHello: co_return hello(frame.hello(), *reply.mutable_hello());
    case v1::ClientFrame::kAuthenticate:
      co_return co_await authenticate(frame.authenticate(), *reply.mutable_authenticate());
    case v1::ClientFrame::kSubscribe: co_return co_await subscribe(frame.subscribe(), reply);
    case v1::ClientFrame::kUnsubscribe:
      reply.mutable_unsubscribe();
      co_return unsubscribe(frame.unsubscribe());
    case v1::ClientFrame::kHeartbeat:
      co_return heartbeat(frame.heartbeat(), *reply.mutable_heartbeat());
    case v1::ClientFrame::kSetTyping:
      reply.mutable_set_typing();
      co_return typing(frame.set_typing());
    default: co_return domain::refuse(v1::REFUSAL_CODE_UNSUPPORTED);
  }
}

domain::Result<void> Session::hello(const v1::Hello& request, v1::HelloReply& reply) {
  constexpr uint32_t version = 1;
  if (request.protocol_min() > version || request.protocol_max() < version) {
    end(v1::CLOSE_CODE_UNSUPPORTED, 0);
    return domain::refuse(v1::REFUSAL_CODE_UNSUPPORTED, "session.version");
  }
  if (request.client_name().size() > limits::client_name_bytes) {
    return domain::too_large("client_name", limits::client_name_bytes,
                             request.client_name().size());
  }
  greeted_ = true;
  wants_signals_ = (request.capabilities() & (1u << 0)) != 0;
  if (request.language() != v1::LANGUAGE_UNSPECIFIED && caller_.account_id == 0)
    caller_.language = request.language();
  const Settings& settings = place_.settings();
  reply.set_protocol(version);
  wants_audit_ = (request.capabilities() & v1::CAPABILITY_AUDIT) != 0;
  reply.set_capabilities((wants_signals_ ? 1u : 0u) |
                         (wants_audit_ ? uint32_t{v1::CAPABILITY_AUDIT} : 0u));
  reply.set_server_name(settings.server_name);
  reply.set_site_name(place_.site_name());
  *reply.mutable_limits() = settings.limits;
  reply.set_heartbeat_interval_ms(settings.heartbeat_ms);
  reply.set_reconnect_after_ms(place_.reconnect_after_ms());
  reply.set_server_time_ms(place_.clock().now_ms());
  reply.set_epoch(place_.parts().gate.database.epoch());
  return {};
}

runtime::Task<domain::Result<void>> Session::authenticate(const v1::Authenticate& request,
                                                          v1::AuthenticateReply& reply) {
  if (caller_.account_id != 0)
    co_return domain::refuse(v1::REFUSAL_CODE_CONFLICT, "session.authenticated");
  const auto& gate = place_.parts().gate;
  auto known = session::authenticate(gate.view(), request.token(), peer_.address);
  if (!known) co_return std::unexpected(known.error());
  const uint64_t account = known->account_id;
  if (!co_await place_.enter(account)) {
    co_return domain::refuse(v1::REFUSAL_CODE_CAPACITY, "session.sockets");
  }
  const auto id = storage::PartitionId::account(account);
  hub::Followed* followed = co_await place_.hub().follow(id, place_.home_of(id), *this);
  // Once more, now that a revocation can't be missed: it may have come in between. And only one of two at a time wins.
  known = session::authenticate(gate.view(), request.token(), peer_.address);
  if (!known || caller_.account_id != 0 || gone_) {
    place_.hub().leave(*followed, place_.home_of(id), *this);
    place_.leave(account);
    if (!known) co_return std::unexpected(known.error());
    co_return domain::refuse(v1::REFUSAL_CODE_CONFLICT, "session.authenticated");
  }
  account_ = followed;
  account_seen_ = followed->ring.head();
  account_counted_ = true;
  const v1::Language asked = caller_.language;
  caller_ = std::move(*known);
  caller_.connection_id = peer_.connection_id;
  if (caller_.language == v1::LANGUAGE_UNSPECIFIED) caller_.language = asked;
  ++place_.shard().metrics().sessions;
  transport_.authenticated();
  spdlog::info("session opened connection={} account={} device={} address={}", peer_.connection_id,
               account, caller_.token_id, peer_.address);
  auto row = gate.view().account(account).value_or(store::AccountRow{});
  reply.set_account_id(account);
  reply.set_token_id(caller_.token_id);
  reply.set_display_name(row.display_name());
  reply.set_site_role(caller_.site_role);
  reply.set_language(caller_.language);
  co_return domain::Result<void>{};
}

// --- Streams ---

Subscription* Session::find(storage::PartitionId id) {
  auto found = std::ranges::find_if(subscriptions_, [id](const auto& s) { return s->id() == id; });
  return found == subscriptions_.end() ? nullptr : found->get();
}

void Session::drop(storage::PartitionId id) {
  auto found = std::ranges::find_if(subscriptions_, [id](const auto& s) { return s->id() == id; });
  if (found == subscriptions_.end()) return;
  Subscription& subscription = **found;
  if (subscription.behind) --place_.shard().metrics().behind_sessions;
  if (id.kind == v1::STREAM_KIND_CLUB)
    place_.lobby().went(id, subscription.home(), caller_.account_id);
  place_.hub().leave(subscription.followed(), subscription.home(), *this);
  subscriptions_.erase(found);
}

// The role by which the caller reads a stream now; a stream that is not a club's is read by bit 0.
v1::ClubRole Session::current_role(storage::PartitionId id, const storage::View& view) const {
  if (id.kind != v1::STREAM_KIND_CLUB) return v1::CLUB_ROLE_UNSPECIFIED;
  return domain::reading_role(queries::actor_in(view, caller_, id.id));
}

runtime::Task<domain::Result<void>> Session::subscribe(const v1::Subscribe& request,
                                                       v1::Reply& reply) {
  auto id = storage::partition_of(request.stream());
  if (!id) co_return domain::bad_request("stream");
  if (!find(*id) && subscriptions_.size() >= limits::subscriptions) {
    co_return domain::too_large("stream", limits::subscriptions, subscriptions_.size() + 1);
  }
  auto& gate = place_.parts().gate;
  const uint64_t account = caller_.account_id;
  const unsigned home = place_.home_of(*id);
  hub::Followed* followed = co_await place_.hub().follow(*id, home, *this);
  struct Leave {
    hub::Hub& hub;
    hub::Followed* followed;
    unsigned home;
    hub::Writer& reader;
    ~Leave() {
      if (followed) hub.leave(*followed, home, reader);
    }
  } leave{place_.hub(), followed, home, *this};

  // From here on every commit reaches the ring, so nothing falls between it and what is read now.
  auto* answered = reply.mutable_subscribe();
  answered->set_epoch(gate.database.epoch());
  domain::Reader reader{.account_id = account};
  const bool staff = domain::is_site_staff(caller_.site_role);
  uint64_t head = 0;
  if (request.has_after_seq()) {
    // The usual way back after a cut: a few point reads, so that a thousand at once cost little.
    auto view = gate.view();
    head = view.head(*id).seq();
    auto role = queries::follow_role(view, caller_, *id);
    if (!role) co_return std::unexpected(role.error());
    reader.role_now = *role;
  } else {
    // State and right to read, from one instant.
    auto look = [&gate, caller = caller_, id = *id] {
      storage::Snapshot at(gate.database);
      return queries::snapshot(storage::View(at), caller, id);
    };
    auto snapshot = co_await place_.parts().blocking.run(std::move(look));
    if (!snapshot) co_return std::unexpected(snapshot.error());
    head = snapshot->seq();
    const auto& me = snapshot->club().me();
    if (snapshot->has_club())
      reader.role_now = domain::reading_role(caller_.site_role, me.role(), me.status());
    *answered->mutable_snapshot() = std::move(*snapshot);
  }
  if (gone_ || ending_ != v1::CLOSE_CODE_UNSPECIFIED)
    co_return domain::refuse(v1::REFUSAL_CODE_UNAVAILABLE);
  answered->set_head_seq(head);
  uint64_t audit_size = 0;
  if (wants_audit_) {
    if (auto known = present_head(*followed, place_.parts())) {
      audit_size = known->size();
      *answered->mutable_audit_head() = std::move(*known);
    }
  }
  reader.role_then = reader.role_now;
  uint64_t after = head;
  uint64_t replay_to = 0;
  if (!request.has_after_seq()) {
    answered->set_outcome(v1::SUBSCRIBE_OUTCOME_SNAPSHOT);
  } else {
    after = request.after_seq();
    const bool other_epoch = request.epoch() != gate.database.epoch();
    if (other_epoch || after > head) {
      answered->set_outcome(v1::SUBSCRIBE_OUTCOME_GAP);
      auto* gap = answered->mutable_gap();
      gap->set_from_seq(other_epoch ? 1 : head + 1);
      gap->set_to_seq(other_epoch ? head : after);
      gap->set_reason(other_epoch ? v1::GAP_REASON_EPOCH : v1::GAP_REASON_AHEAD);
      drop(*id);
      add_reply(reply);
      co_return domain::Result<void>{};
    }
    answered->set_outcome(after == head ? v1::SUBSCRIBE_OUTCOME_CAUGHT_UP
                                        : v1::SUBSCRIBE_OUTCOME_REPLAYING);
    if (after < head) answered->set_replay_to(replay_to = head);
    if (id->kind == v1::STREAM_KIND_CLUB && !staff) {
      auto then = gate.view().role_at(id->id, account, after);
      reader.role_then =
          then ? domain::reading_role(v1::SITE_ROLE_NONE, then->role(), then->status())
               : v1::CLUB_ROLE_UNSPECIFIED;
    }
  }
  drop(*id);
  leave.followed = nullptr;
  subscriptions_.push_back(
      std::make_unique<Subscription>(*followed, home, after, reader, head, staff, replay_to));
  subscriptions_.back()->serial = ++last_serial_;
  subscriptions_.back()->audit_seen = audit_size;
  // Who types was said to the readers of that moment: a room may have been closed to this one since.
  const auto closed = [&](const auto& room) {
    return !queries::read_room(gate.view(), caller_, *id, room.first);
  };
  if (std::ranges::any_of(followed->typing, closed))
    subscriptions_.back()->typing_seen = followed->typing_version;
  if (id->kind == v1::STREAM_KIND_CLUB) place_.lobby().came(*id, home, account);
  // The answer comes before the first batch: both are laid down here, with no wait in between.
  add_reply(reply);
  wake();
  co_return domain::Result<void>{};
}

domain::Result<void> Session::unsubscribe(const v1::Unsubscribe& request) {
  auto id = storage::partition_of(request.stream());
  if (!id) return domain::bad_request("stream");
  drop(*id);
  return {};
}

domain::Result<void> Session::heartbeat(const v1::Heartbeat& request, v1::HeartbeatReply& reply) {
  if (request.cursors_size() > static_cast<int>(limits::subscriptions)) {
    return domain::too_large("cursors", limits::subscriptions,
                             static_cast<uint64_t>(request.cursors_size()));
  }
  reply.set_server_time_ms(place_.clock().now_ms());
  for (const auto& subscription : subscriptions_) {
    auto* cursor = reply.add_heads();
    *cursor->mutable_stream() = storage::stream_of(subscription->id());
    cursor->set_seq(subscription->head());
  }
  return {};
}

domain::Result<void> Session::typing(const v1::SetTyping& request) {
  auto id = storage::partition_of(request.stream());
  if (!id) return domain::bad_request("stream");
  // Judged on rows, not in the partition: a signal decides nothing, and must not wait behind commands.
  auto view = place_.parts().gate.view();
  auto room = queries::read_room(view, caller_, *id, request.room_id());
  if (!room) return std::unexpected(room.error());
  if (id->kind == v1::STREAM_KIND_CLUB) {
    auto state = queries::room_state(*room);
    auto allowed = domain::may(queries::actor_in(view, caller_, id->id),
                               domain::Action::signal_typing, {.room = &state});
    if (!allowed) return std::unexpected(allowed.error());
    const int64_t now = place_.clock().now_ms();
    const bool owner = caller_.site_role == v1::SITE_ROLE_OWNER;
    auto hold = queries::find_hold(view, caller_.account_id, id->id, request.room_id(), now);
    if (hold && !owner) return domain::refuse_held(*hold, now);
    const int64_t until_ms = queries::raid_until(view, caller_.account_id, id->id, now);
    if (until_ms != 0) return domain::refuse_raid(until_ms, now);
  } else {
    domain::DirectState direct(id->id);
    if (auto row = view.direct(id->id)) direct.load(*row);
    if (auto talking = domain::check_talking(direct); !talking)
      return std::unexpected(talking.error());
  }
  place_.lobby().types(*id, place_.home_of(*id), request.room_id(), caller_.account_id);
  return {};
}

runtime::Task<> Session::fetch_page(storage::PartitionId id) {
  auto& gate = place_.parts().gate;
  Subscription* subscription = find(id);
  if (!subscription) co_return;
  const uint64_t from = subscription->cursor() + 1;
  const uint64_t serial = subscription->serial;
  const auto behind = std::max<std::size_t>(1, place_.shard().metrics().behind_sessions);
  const std::size_t bytes =
      std::clamp<std::size_t>(pages_budget / behind, least_page, limits::behind_read_bytes);
  auto read = [&gate, id, from, bytes] {
    return storage::read_log(gate.view(), id, from, {.max_entries = 1'000, .max_bytes = bytes});
  };
  std::shared_ptr<const storage::EventRun> page;
  try {
    page = std::make_shared<const storage::EventRun>(
        co_await place_.parts().blocking.run(std::move(read)));
  } catch (const std::exception& e) {
    spdlog::error("log cannot be read partition={} connection={} error=\"{}\"",
                  storage::to_string(id), peer_.connection_id, e.what());
    end(v1::CLOSE_CODE_GOING_AWAY, place_.reconnect_after_ms());
    co_return;
  }
  ++place_.shard().metrics().log_pages;
  subscription = find(id);  // it may have been dropped, or made anew
  if (!subscription || subscription->serial != serial) co_return;
  subscription->fetching = false;
  if (subscription->cursor() + 1 == from && !page->empty()) {
    storage::View view = gate.view();
    subscription->give(std::move(page), current_role(id, view), view.head(id).seq());
  }
  wake();
}

// --- Output ---

// Follows one's own account: a revoked device ends here, and a changed site role counts from now on.
void Session::watch_account() {
  if (!account_ || account_seen_ == account_->ring.head()) return;
  auto view = place_.parts().gate.view();
  account_seen_ = account_->ring.head();
  bool live = false;
  for (const auto& token : view.tokens_of(caller_.account_id))
    live |= token.token_id() == caller_.token_id;
  if (!live) {
    spdlog::info("device revoked connection={} account={} device={}", peer_.connection_id,
                 caller_.account_id, caller_.token_id);
    return end(v1::CLOSE_CODE_REVOKED, 0);
  }
  auto row = view.account(caller_.account_id);
  if (!row) return;
  if (row->language() != v1::LANGUAGE_UNSPECIFIED) caller_.language = row->language();
  const auto site_role =
      row->site_role() == v1::SITE_ROLE_UNSPECIFIED ? v1::SITE_ROLE_NONE : row->site_role();
  if (site_role == caller_.site_role) return;
  caller_.site_role = site_role;
  const bool staff = domain::is_site_staff(site_role);
  for (auto& subscription : subscriptions_) {
    if (subscription->id().kind == v1::STREAM_KIND_CLUB) {
      subscription->set_reader(current_role(subscription->id(), view), staff);
    } else if (subscription->id().kind == v1::STREAM_KIND_SITE && !staff) {
      subscription->set_reader(v1::CLUB_ROLE_UNSPECIFIED, false);
    }
  }
}

void Session::flush() {
  if (gone_) return;
  watch_account();
  if (writing_) return;
  writing_ = place_.borrow();
  if (!gather()) {
    place_.give_back(std::move(writing_));
    if (said_goodbye_) {
      gone_ = true;
      transport_.close(ending_);
    }
    return;
  }
  auto& metrics = place_.shard().metrics();
  ++metrics.frames_out;
  metrics.bytes_out += writing_->size();
  metrics.deliveries += writing_->events;
  metrics.events_per_write.add(writing_->events);
  write_started_ms_ = place_.clock().steady_ms();
  const auto writing = transport_.write(*writing_);
  if (writing != runtime::Writing::kUnderWay) written(writing == runtime::Writing::kDone);
}

// Puts together the next message. False when there is nothing to say.
bool Session::gather() {
  Outgoing& out = *writing_;
  if (said_goodbye_) return false;
  if (!replies_.empty()) {
    out.add(replies_);
    replies_.clear();
    if (replies_.capacity() > kept_replies) replies_.shrink_to_fit();
  }
  if (ending_ != v1::CLOSE_CODE_UNSPECIFIED) {
    // Last words, once every request has its answer.
    if (in_flight_ == 0) {
      v1::Goodbye goodbye;
      goodbye.set_close_code(static_cast<uint32_t>(ending_));
      goodbye.set_reconnect_after_ms(reconnect_after_ms_);
      goodbye.set_message(last_words(ending_, caller_.language));
      std::string bytes;
      append_field(bytes, v1::ServerFrame::kGoodbyeFieldNumber, goodbye);
      out.add(bytes);
      said_goodbye_ = true;
    }
    return !out.empty();
  }
  auto& metrics = place_.shard().metrics();
  std::vector<storage::PartitionId> ended;
  const std::size_t count = subscriptions_.size();
  for (std::size_t i = 0; i < count && out.size() < message_budget; ++i) {
    Subscription& subscription = *subscriptions_[(next_served_ + i) % count];
    if (subscription.fetching) continue;
    auto need = Subscription::Need::writing;
    while (need == Subscription::Need::writing && out.size() < message_budget) {
      need = subscription.gather(out, batch_budget);
    }
    if (need == Subscription::Need::page) {
      subscription.fetching = true;
      ++metrics.ring_misses;
      if (!subscription.behind) ++metrics.behind_sessions;
      subscription.behind = true;
      tasks_.spawn_whole("page", fetch_page(subscription.id()));
    } else if (subscription.behind && need == Subscription::Need::nothing) {
      subscription.behind = false;
      --metrics.behind_sessions;
    }
    if (subscription.ended()) ended.push_back(subscription.id());
  }
  if (count > 0) next_served_ = (next_served_ + 1) % count;
  if (wants_signals_ && out.size() < message_budget) gather_signals(message_budget - out.size());
  if (wants_audit_) gather_audit_heads();
  for (auto id : ended) drop(id);
  return !out.empty();
}

void Session::gather_signals(std::size_t budget) {
  Outgoing& out = *writing_;
  auto& metrics = place_.shard().metrics();
  const int64_t now = place_.clock().steady_ms();
  auto send = [&](const std::shared_ptr<const std::string>& signal) {
    // Over its ceiling a session gets nothing now, and the newest state later.
    if (signal->size() > budget ||
        !signal_bytes_.take(now, static_cast<uint32_t>(signal->size()))) {
      ++metrics.signals_shed;
      return false;
    }
    out.keep(signal);
    out.add(signal->data(), signal->size(), nullptr);
    budget -= signal->size();
    return true;
  };
  for (auto& held : subscriptions_) {
    Subscription& subscription = *held;
    if (subscription.fetching || subscription.ended()) continue;
    const hub::Followed& followed = subscription.followed();
    const auto& presence = followed.presence;
    if (presence.version != subscription.presence_seen && presence.whole) {
      const bool step =
          presence.change && presence.before == subscription.presence_seen && presence.before != 0;
      if (send(step ? presence.change : presence.whole))
        subscription.presence_seen = presence.version;
    }
    if (followed.typing_version == subscription.typing_seen) continue;
    bool all = true;
    for (const auto& [room, news] : followed.typing) {
      if (news.version <= subscription.typing_seen) continue;
      const bool may_know = (news.roles & domain::stream_followers) != 0 ||
                            domain::has(news.roles, subscription.role());
      if (may_know && !send(news.whole)) all = false;
    }
    if (all) subscription.typing_seen = followed.typing_version;
  }
}

void Session::gather_audit_heads() {
  for (auto& subscription : subscriptions_) {
    if (!subscription->has_audit_news() || subscription->ended()) continue;
    const auto& news = subscription->followed().audit;
    writing_->keep(news.head);
    writing_->add(news.head->data(), news.head->size(), nullptr);
    subscription->audit_seen = news.size;
  }
}

void Session::written(bool ok) {
  if (writing_) place_.give_back(std::move(writing_));
  if (!ok) {
    gone_ = true;
    return;
  }
  if (input_stopped_ && accepts_input()) {
    input_stopped_ = false;
    transport_.resume_input();
  }
  // What came during the write, and what did not fit, goes into the next one.
  if (has_news()) wake();
}

// Whether a flush would find anything to do. May say yes for nothing, never no for something.
bool Session::has_news() const {
  if (!replies_.empty() || ending_ != v1::CLOSE_CODE_UNSPECIFIED || wants_signals_) return true;
  if (account_ && account_seen_ != account_->ring.head()) return true;
  return std::ranges::any_of(subscriptions_, [this](const auto& subscription) {
    if (wants_audit_ && subscription->has_audit_news()) return true;
    return !subscription->fetching && (subscription->behind || subscription->has_news());
  });
}

// --- The end ---

void Session::end(v1::CloseCode code, uint32_t reconnect_after_ms) {
  if (ending_ != v1::CLOSE_CODE_UNSPECIFIED) return;
  ending_ = code;
  reconnect_after_ms_ = reconnect_after_ms;
  wake();
}

void Session::cut() {
  if (gone_) return;
  gone_ = true;
  transport_.close(ending_ != v1::CLOSE_CODE_UNSPECIFIED ? ending_ : v1::CLOSE_CODE_GOING_AWAY);
}

void Session::yield_place() {
  const bool waits = caller_.account_id == 0 && in_flight_ == 0;
  if (waits && place_.clock().steady_ms() - started_ms_ > hurried_authenticate_ms)
    end(v1::CLOSE_CODE_OVERLOADED, place_.reconnect_after_ms());
}

void Session::tick() {
  if (gone_) return;
  // Whoever holds a revoked device does not choose when it goes, by reading nothing or by a request that takes its time.
  if (ending_ == v1::CLOSE_CODE_REVOKED) return cut();
  const int64_t now = place_.clock().steady_ms();
  const Settings& settings = place_.settings();
  if (writing_ && now - write_started_ms_ > settings.no_progress_ms) {
    // It takes nothing: there is no way to tell it why.
    ending_ = v1::CLOSE_CODE_SLOW;
    return cut();
  }
  if (caller_.account_id == 0 && now - started_ms_ > settings.authenticate_ms) {
    end(v1::CLOSE_CODE_AUTH_TIMEOUT, 0);
  } else if (now - heard_ms_ > settings.dead_ms) {
    end(v1::CLOSE_CODE_IDLE, place_.reconnect_after_ms());
  } else if (wants_signals_) {
    wake();  // signals that were shed for the ceiling
  }
}

runtime::Task<> Session::finish() {
  gone_ = true;
  co_await tasks_.join();
  while (!subscriptions_.empty()) drop(subscriptions_.back()->id());
  if (account_) {
    const auto id = account_->id;
    place_.hub().leave(*account_, place_.home_of(id), *this);
    account_ = nullptr;
  }
  if (account_counted_) {
    place_.leave(caller_.account_id);
    --place_.shard().metrics().sessions;
    spdlog::info("session closed connection={} account={} code={}", peer_.connection_id,
                 caller_.account_id, static_cast<int>(ending_));
    account_counted_ = false;
  }
}

}  // namespace amicale::session
