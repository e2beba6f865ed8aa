// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/log/partition.h"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <boost/asio/associated_executor.hpp>

#include "server/domain/limits.h"
#include "storage/append.h"
#include "storage/log_reader.h"

namespace amicale::log {

namespace limits = domain::limits;
namespace asio = boost::asio;

namespace {

constexpr uint32_t overloaded_retry_ms = 500;
constexpr uint32_t no_space_retry_ms = 30'000;

template <class... Event>
void apply_to(State& state, const v1::Event& event) {
  std::visit([&](auto& s) { s.apply(event); }, state);
}

domain::Refusal unavailable() {
  domain::Refusal refusal{.code = v1::REFUSAL_CODE_UNAVAILABLE};
  refusal.retry_after_ms = overloaded_retry_ms;
  return refusal;
}

}  // namespace

Partition::Partition(storage::PartitionId id, Parts parts)
    : id_(id), parts_(parts), gathered_(parts.shard.context()) {
  last_used_ms_ = parts_.clock.steady_ms();
}

void Partition::submit(Command command, Done done) {
  if (queue_.size() >= limits::partition_queue) {
    domain::Refusal refusal{.code = v1::REFUSAL_CODE_OVERLOADED};
    refusal.retry_after_ms = overloaded_retry_ms;
    return done(std::unexpected(std::move(refusal)));
  }
  queue_.push_back({std::move(command), std::move(done), Outcome{}});
  if (awaited_ && queue_.size() >= *awaited_) gathered_.cancel();
  if (running_) return;
  running_ = true;
  parts_.tasks.spawn_whole("partition", run());
}

runtime::Task<> Partition::run() {
  while (!queue_.empty()) {
    // Whatever else is ready on this shard joins the turn, what the last one's answers brought among it.
    co_await asio::post(parts_.shard.context(), runtime::use_task);
    if (parts_.gather_us > 0 && crowd_ >= limits::gather_crowd) co_await gather();
    co_await turn();
  }
  running_ = false;
  last_used_ms_ = parts_.clock.steady_ms();
}

// Many who post as soon as they are answered come back in waves. Taking half a wave at a time costs a sync, and a write to
// every reader, for each half; so a busy turn waits until most of those who were here last time are back. Nobody waits in a
// quiet partition.
runtime::Task<> Partition::gather() {
  const std::size_t most = std::min<std::size_t>(crowd_ - crowd_ / 4, limits::partition_turn);
  if (queue_.size() >= most) co_return;
  awaited_ = most;
  gathered_.expires_after(std::chrono::microseconds(parts_.gather_us));
  co_await gathered_.async_wait(runtime::as_result);
  awaited_.reset();
}

runtime::Task<> Partition::turn() {
  if (!state_) {
    auto& database = parts_.database;
    struct Loaded {
      std::unique_ptr<State> state;
      store::HeadRow head;
      std::unique_ptr<domain::antispam::Memory> memory;
    };
    auto loading = [&database, id = id_, shield = parts_.shield, now_ms = parts_.clock.now_ms()] {
      Loaded loaded;
      loaded.state = load(database, id, loaded.head, now_ms);
      loaded.memory = load_memory(database, id, shield);
      return loaded;
    };
    try {
      Loaded loaded = co_await parts_.blocking.run(std::move(loading));
      state_ = std::move(loaded.state);
      head_ = std::move(loaded.head);
      memory_ = std::move(loaded.memory);
    } catch (const std::exception& e) {
      spdlog::error("partition cannot be loaded partition={} error=\"{}\"", storage::to_string(id_),
                    e.what());
    }
  }
  if (!state_) {
    std::deque<Waiting> failed;
    failed.swap(queue_);
    for (auto& waiting : failed) waiting.done(std::unexpected(unavailable()));
    co_return;
  }

  Turn turn{std::make_unique<storage::Batch>(parts_.database), head_, std::make_shared<Published>(),
            std::max(parts_.clock.now_ms(), head_.time_ms())};
  turn.published->partition = id_;
  // Asked once a turn: it is a system call.
  if (!parts_.database.writable())
    turn.closed = v1::REFUSAL_CODE_UNAVAILABLE;
  else if (!parts_.database.has_space())
    turn.closed = v1::REFUSAL_CODE_NO_SPACE;
  std::vector<Waiting> decided;
  bool broken = false;
  while (!queue_.empty() && !broken && decided.size() < limits::partition_turn &&
         turn.published->events.bytes.size() < limits::commit_bytes) {
    decided.push_back(std::move(queue_.front()));
    queue_.pop_front();
    Waiting& waiting = decided.back();
    try {
      waiting.result = decide(waiting.command, turn);
    } catch (const std::exception& e) {
      // State or batch may hold half of it: nothing of this turn is kept.
      spdlog::error("decision failed partition={} request={} error=\"{}\"", storage::to_string(id_),
                    waiting.command.request_kind, e.what());
      broken = true;
    }
  }
  auto& metrics = parts_.shard.metrics();
  metrics.turn_commands.add(decided.size());

  Appended appended = broken ? Appended::unknown : Appended::durable;
  if (!broken && !turn.published->events.empty()) {
    const auto started = std::chrono::steady_clock::now();
    appended = co_await parts_.log.append(id_, head_.seq(), std::move(turn.batch));
    const auto took = std::chrono::steady_clock::now() - started;
    metrics.commit_us.add(
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
  if (appended == Appended::unknown) {
    state_ = nullptr;
    ++metrics.commit_failures;
    for (auto& waiting : decided) waiting.done(std::unexpected(unavailable()));
    co_return;
  }
  if (!turn.published->events.empty()) {
    head_ = std::move(turn.head);
    ++metrics.commits;
    metrics.events += turn.published->events.items.size();
    parts_.publisher(std::move(turn.published));
  }
  crowd_ = decided.size() + queue_.size();
  // Refusals are counted where they are answered.
  for (auto& waiting : decided) waiting.done(std::move(waiting.result));
}

std::optional<domain::Refusal> Partition::check_rate(const Command& command) {
  if (!command.is_post || command.actor == 0) return std::nullopt;
  auto [place, fresh] = posts_.try_emplace(command.actor, parts_.posts_per_10s,
                                           limits::post_window_ms, parts_.posts_per_10s);
  const int64_t now = parts_.clock.steady_ms();
  if (place->second.take(now)) {
    // Whoever has not posted for a while is forgotten. Only when their number has doubled: looking at all of them at each
    // post would make a post cost as much as there are people who post.
    if (posts_.size() > posts_kept_) {
      std::erase_if(posts_, [now](auto entry) { return entry.second.is_full(now); });
      posts_kept_ = std::max(least_posts_kept, 2 * posts_.size());
    }
    return std::nullopt;
  }
  return domain::rate_limited("rate.posts", place->second.retry_after_ms()).error();
}

domain::Result<Outcome> Partition::decide(const Command& command, Turn& turn) {
  storage::View facts(*turn.batch);
  if (!command.client_msg_id.empty()) {
    if (auto row = facts.idempotency(id_, command.actor, command.client_msg_id)) {
      if (row->request_kind() != static_cast<uint32_t>(command.request_kind)) {
        return domain::refuse(v1::REFUSAL_CODE_CONFLICT, "message.client_msg_id");
      }
      Outcome outcome{row->committed(), {row->numbers().begin(), row->numbers().end()}};
      outcome.committed.set_repeated(true);
      return outcome;
    }
  }
  if (turn.closed != v1::REFUSAL_CODE_UNSPECIFIED) {
    domain::Refusal refusal{.code = turn.closed};
    refusal.retry_after_ms = no_space_retry_ms;
    return std::unexpected(std::move(refusal));
  }
  if (auto refusal = check_rate(command)) return std::unexpected(std::move(*refusal));

  auto decision =
      command.decide({*state_, facts, turn.now_ms, memory_.get(), &parts_.said, parts_.watch});
  if (!decision) return std::unexpected(std::move(decision.error()));

  Outcome outcome;
  outcome.numbers = decision->numbers;
  *outcome.committed.mutable_stream() = storage::stream_of(id_);
  outcome.committed.set_object_id(decision->object_id);
  outcome.committed.set_time_ms(turn.now_ms);
  if (decision->events.empty()) return outcome;

  std::vector<storage::NewEntry> entries;
  entries.reserve(decision->events.size());
  for (auto& made : decision->events) {
    made.event.set_time_ms(turn.now_ms);
    // What nobody is to know is in the private part alone; what the server does of itself is nobody's.
    const bool told = made.private_part.hidden_actor() == 0 && !made.automatic;
    if (told) made.event.set_actor(command.actor);
    if (made.event.client_msg_id().empty()) made.event.set_client_msg_id(command.client_msg_id);
    entries.push_back({made.event,
                       {static_cast<uint16_t>(made.audience.roles()), made.audience.account()},
                       made.private_part});
  }
  storage::Origin origin{.request_kind = command.client_msg_id.empty()
                                             ? 0
                                             : static_cast<uint32_t>(command.request_kind),
                         .object_id = decision->object_id,
                         .numbers = decision->numbers};
  outcome.committed =
      storage::append(*turn.batch, id_, turn.head, entries, origin, turn.published->events);
  const auto* club = std::get_if<domain::ClubState>(state_.get());
  // What is said where one practises is no spam elsewhere.
  const bool practised = club != nullptr && club->is_sandbox();
  for (const auto& entry : entries) {
    apply_to(*state_, entry.event);
    if (!memory_) continue;
    memory_->apply(entry.event, entry.private_part);
    const store::SpamRecord& spam = entry.private_part.spam();
    const auto sketch = domain::antispam::Sketch::read(spam.sketch());
    if (sketch && parts_.tell && !practised && domain::antispam::worth_comparing(spam)) {
      parts_.tell(*sketch, {.author = command.actor, .club = id_.id, .time_ms = turn.now_ms});
    }
  }
  return outcome;
}

namespace {

// Who posted in slow rooms, as far back as their slow mode looks.
void load_posts(const storage::View& view, domain::ClubState& club, int64_t now_ms) {
  constexpr std::size_t page = 500;
  const auto where = storage::PartitionId::club(club.id());
  for (const auto& row : view.rooms_of(club.id())) {
    const bool by_itself = row.auto_slow_until_ms() > now_ms;
    if (row.slow_mode_s() == 0 && !by_itself) continue;
    const int64_t by_hand_since =
        row.slow_mode_s() == 0
            ? now_ms
            : std::max(row.slow_since_ms(), now_ms - row.slow_mode_s() * int64_t{1'000});
    const int64_t since =
        by_itself ? std::min(by_hand_since, row.auto_slow_since_ms()) : by_hand_since;
    bool more = true;
    uint64_t from = row.head_number();
    for (std::size_t seen = 0; more && from != 0 && seen < limits::slow_mode_messages;) {
      const auto messages =
          view.messages(where, row.room_id(), from, page, storage::View::Direction::older);
      for (const auto& message : messages) {
        // What was imported was said at another time.
        if (message.imported_author().empty()) more = message.time_ms() >= since;
        if (!more) break;
        club.load(message);
      }
      seen += messages.size();
      more = more && messages.size() == page;
      from = messages.empty() ? 0 : messages.back().number() - 1;
    }
  }
}

// What is watched for in the last minute. Nothing is read where nobody said anything in it.
void load_tail(const storage::View& view, domain::ClubState& club, const store::HeadRow& head,
               int64_t now_ms) {
  if (now_ms - head.time_ms() >= limits::raid_similar_ms) return;
  const int64_t since_ms = std::max(now_ms, head.time_ms()) - limits::raid_similar_ms;
  const auto events =
      view.tail(storage::PartitionId::club(club.id()), since_ms, limits::watch_tail_entries);
  for (const auto& event : events) club.load_recent(event);
}

}  // namespace

std::unique_ptr<State> Partition::load(const storage::Database& database, storage::PartitionId id,
                                       store::HeadRow& head, int64_t now_ms) {
  storage::Snapshot snapshot(database);
  storage::View view(snapshot);
  head = view.head(id);
  switch (id.kind) {
    case v1::STREAM_KIND_SITE: {
      domain::SiteState site;
      site.load(view.site());
      constexpr std::size_t page = 1'000;
      for (uint64_t after = 0;;) {
        auto accounts = view.accounts(after, page);
        for (const auto& account : accounts) {
          if (account.site_role() > v1::SITE_ROLE_NONE) {
            site.load(domain::SiteState::Staff{account.account_id(), account.site_role()});
          }
          after = account.account_id();
        }
        if (accounts.size() < page) break;
      }
      for (const auto& row : view.invitations_of(id)) site.load(row.invitation());
      return std::make_unique<State>(std::move(site));
    }
    case v1::STREAM_KIND_CLUB: {
      domain::ClubState club(id.id);
      if (auto row = view.club(id.id)) club.load(*row);
      for (const auto& room : view.rooms_of(id.id)) club.load(room);
      for (const auto& member : view.members_of(id.id)) club.load(member);
      for (const auto& row : view.invitations_of(id)) club.load(row.invitation());
      for (const auto& row : view.standing_sanctions(id)) club.load(row.sanction());
      for (const auto& row : view.sanctions_of(id, 0, 1)) club.load(row.sanction());
      for (const auto& row : view.removals_of(id, 0, 1)) club.load(row);
      for (const auto& row : view.open_reports(id)) club.load(row.report());
      for (const auto& row : view.reports_of(id, 0, 1)) {
        if (row.report().state() != v1::REPORT_STATE_OPEN) club.load(row.report());
      }
      if (auto row = view.charter(id)) club.load(*row);
      for (const auto& row : view.open_proposals(id)) club.load(row.proposal());
      for (const auto& row : view.proposals_of(id, 0, 1)) club.load(row.proposal());
      if (auto raid = view.raid(id.id)) club.load(*raid);
      // A club's time never goes back, even when the clock does.
      load_posts(view, club, std::max(now_ms, head.time_ms()));
      club.load_last_held_id(view.last_held_id(id.id));
      load_tail(view, club, head, now_ms);
      return std::make_unique<State>(std::move(club));
    }
    case v1::STREAM_KIND_ACCOUNT: {
      domain::AccountState account(id.id);
      if (auto row = view.account(id.id)) {
        account.load(*row);
        account.load_last_token_id(row->last_token_id());
      }
      for (const auto& token : view.tokens_of(id.id)) account.load(token);
      for (const auto& row : view.sanctions_of(id, 0, 1)) account.load(row.sanction());
      return std::make_unique<State>(std::move(account));
    }
    case v1::STREAM_KIND_DIRECT: {
      domain::DirectState direct(id.id);
      if (auto row = view.direct(id.id)) direct.load(*row);
      return std::make_unique<State>(std::move(direct));
    }
    default: throw storage::Error("no such partition: " + storage::to_string(id));
  }
}

std::unique_ptr<domain::antispam::Memory> Partition::load_memory(
    const storage::Database& database, storage::PartitionId id,
    const domain::antispam::Shield* shield) {
  if (shield == nullptr || id.kind != v1::STREAM_KIND_CLUB) return nullptr;
  auto memory = std::make_unique<domain::antispam::Memory>(shield->rules_of(id.id).limits());
  storage::Snapshot snapshot(database);
  storage::View view(snapshot);
  storage::read_recent(view, id, view.head(id).time_ms() - domain::antispam::folded_ms,
                       limits::antispam_entries,
                       [&memory](const v1::Event& event, const store::PrivatePart& private_part) {
                         memory->apply(event, private_part);
                       });
  return memory;
}

Partitions::Partitions(runtime::Shard& shard, storage::Database& database, Log& log,
                       runtime::Blocking& blocking, const runtime::Clock& clock,
                       Publisher publisher, Bounds bounds)
    : shard_(shard),
      database_(database),
      log_(log),
      blocking_(blocking),
      clock_(clock),
      publisher_(std::move(publisher)),
      bounds_(std::move(bounds)),
      tasks_(shard.executor()),
      said_(limits::antispam_site_texts) {}

void Partitions::submit(storage::PartitionId id, Command command, Done done) {
  if (draining_) return done(std::unexpected(unavailable()));
  auto found = loaded_.find(id);
  if (found == loaded_.end()) {
    forget_idle();
    found = loaded_
                .emplace(id, std::make_unique<Partition>(
                                 id, Partition::Parts{shard_, database_, log_, blocking_, clock_,
                                                      publisher_, tasks_, bounds_.posts_per_10s,
                                                      bounds_.gather_us, bounds_.shield, said_,
                                                      bounds_.tell, bounds_.watch}))
                .first;
    shard_.metrics().partitions = loaded_.size();
  }
  found->second->submit(std::move(command), std::move(done));
}

void Partitions::heard(const domain::antispam::Sketch& sketch,
                       domain::antispam::RecentTexts::Said said) {
  const auto count =
      said_.count(sketch, {.by = said.author,
                           .since_ms = said.time_ms - domain::antispam::remembered_ms,
                           .alike_since_ms = said.time_ms - domain::antispam::remembered_ms});
  said_.add(sketch, said, count.family);
}

void Partitions::forget_idle() {
  if (loaded_.size() < bounds_.loaded) return;
  // The older half of the idle ones, so that this scan is rare.
  std::vector<std::pair<int64_t, storage::PartitionId>> idle;
  for (const auto& [id, partition] : loaded_) {
    if (partition->idle()) idle.emplace_back(partition->last_used_ms(), id);
  }
  std::ranges::sort(idle);
  for (std::size_t i = 0; i < (idle.size() + 1) / 2; ++i) loaded_.erase(idle[i].second);
}

runtime::Task<> Partitions::drain() {
  draining_ = true;
  co_await tasks_.join();
}

void Site::submit(storage::PartitionId id, Command command, runtime::Executor back, Done done) {
  const unsigned home = home_of(id);
  Partitions* there = by_shard_[home];
  if (back == shards_[home]->executor())
    return there->submit(id, std::move(command), std::move(done));
  Done answer = [back, done = std::move(done)](domain::Result<Outcome> result) mutable {
    asio::post(back, [done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  };
  shards_[home]->post(
      [there, id, command = std::move(command), answer = std::move(answer)]() mutable {
        there->submit(id, std::move(command), std::move(answer));
      });
}

runtime::Task<domain::Result<Outcome>> Site::submit(storage::PartitionId id, Command command) {
  auto initiate = [this, id](auto handler, Command what) {
    const runtime::Executor back = asio::get_associated_executor(handler);
    submit(id, std::move(what), back, std::move(handler));
  };
  co_return co_await asio::async_initiate<decltype(runtime::use_task),
                                          void(domain::Result<Outcome>)>(
      std::move(initiate), runtime::use_task, std::move(command));
}

// A commit reaches each shard through its queue, and is acted on at the end of that turn: two rounds see both done.
runtime::Task<> Site::settled() {
  for (int round = 0; round < 2; ++round) {
    for (runtime::Shard* shard : shards_) {
      auto nothing = [] {};
      co_await shard->call(std::move(nothing));
    }
  }
}

}  // namespace amicale::log
