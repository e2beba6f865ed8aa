// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/simulation/world.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <stdexcept>

#include "server/commands/clubs.h"
#include "server/runtime/spawn.h"

namespace amicale::simulation {
namespace {

constexpr int64_t turmoil_ms = 40'000;
constexpr int64_t rest_ms = 240'000;
// A revoked device's connections close within a second.
constexpr int64_t revoked_patience_ms = 1'000;

const std::vector<std::string> passwords = {"correct horse battery", "another horse battery"};

}  // namespace

World::Count& World::Count::operator+=(const Count& other) {
  handlers += other.handlers;
  commands += other.commands;
  faults += other.faults;
  crashes += other.crashes;
  checks += other.checks;
  events += other.events;
  return *this;
}

World::World(Plan plan, Folders& folders)
    : stage_(plan.seed, plan.trace), databases_(folders.fresh()), disk_(stage_, *databases_.live) {
  stage_.mutation = std::move(plan.mutation);
  if (!stage_.mutation.promise.empty()) stage_.ledger.watch_only(stage_.mutation.promise);
  shape_ = {.shards = static_cast<unsigned>(stage_.dice.between(1, 3)),
            .ring_entries = static_cast<std::size_t>(stage_.dice.between(2, 24)),
            .partitions_loaded = static_cast<std::size_t>(stage_.dice.between(2, 12))};
  disk_.crash = [this] { restart_server(/*crash=*/true); };
  // The operator notices after a while.
  disk_.sync_failed = [this] {
    stage_.agenda.in(stage_.dice.between(300, 5'000), [this] {
      if (disk_.is_broken()) restart_server(stage_.dice.chance(50));
    });
  };
}

World::~World() { stop_server(/*crash=*/true); }

// --- Time

void World::settle() {
  Dice& dice = stage_.dice;
  while (!ended() && site_) {
    // Which shard comes first, and how far it gets before another has its turn, is chance.
    const unsigned runners = site_->shard_count() + 1;
    const auto first = static_cast<unsigned>(dice.below(runners));
    bool any = false;
    for (unsigned i = 0; i < runners && site_; ++i) {
      const unsigned runner = (first + i) % runners;
      if (stage_.clock.steady_ms() < busy_until_ms_[runner]) continue;
      for (auto burst = 1 + dice.below(4); burst > 0 && site_->run_one(runner); --burst) {
        any = true;
        ++count_.handlers;
      }
      if (!stage_.calm && dice.one_in(150)) keep_busy(runner, dice.between(1, 60));
    }
    if (!any) return;
  }
}

void World::keep_busy(unsigned runner, int64_t ms) {
  busy_until_ms_[runner] = stage_.clock.steady_ms() + ms;
  stage_.agenda.in(ms, [] {});  // so that time stops there
}

void World::pass(int64_t ms) {
  const int64_t until = stage_.clock.steady_ms() + ms;
  bool reached = false;
  stage_.agenda.in(ms, [&reached] { reached = true; });
  while (!reached && !ended()) {
    settle();
    stage_.agenda.take();
  }
  // The promise in the agenda must not outlive this call.
  while (!reached && stage_.clock.steady_ms() <= until) stage_.agenda.take();
}

void World::every_second() {
  if (site_) site_->look();
  std::erase_if(wires_, [](const auto& wire) { return wire->over(); });
  stage_.agenda.in(1'000, [this] { every_second(); });
}

// --- The server

void World::start_server() {
  starting_ = false;
  if (site_) return;
  stage_.say("the server starts");
  if (!disk_.is_on() || disk_.is_broken()) {
    disk_.power_on();
    check_rows();
  }
  site_ = std::make_unique<Site>(stage_, disk_, shape_);
}

// A crash: nothing more reaches the disk or a wire, so whatever still runs in there is seen by nobody. It is let run out, which
// is how its coroutines end in order.
void World::stop_server(bool crash) {
  if (!site_) return;
  stage_.say("the server {}", crash ? "crashes" : "has stopped");
  if (crash) {
    disk_.power_off();
    ++count_.crashes;
  }
  for (auto& wire : wires_) wire->lose_server();
  for (int idle = 0; idle < 3; ++idle) {
    for (unsigned runner = 0; runner <= site_->shard_count(); ++runner) {
      while (site_->run_one(runner)) idle = 0;
    }
    disk_.finish();
  }
  if (std::ranges::any_of(wires_, [](const auto& wire) { return wire->server_here(); }))
    throw std::logic_error("a session outlives its server");
  site_ = nullptr;
}

void World::restart_server(bool crash) {
  // From outside the server's own handlers.
  stage_.agenda.in(0, [this, crash] {
    stop_server(crash);
    if (std::exchange(starting_, true)) return;
    stage_.agenda.in(stage_.calm ? 0 : stage_.dice.between(50, 2'500), [this] { start_server(); });
  });
}

void World::dial(Device& device) {
  auto ears = device.ears();
  const uint64_t number = device.dial_number();
  stage_.agenda.in(stage_.dice.between(1, 40), [this, &device, number, ears = std::move(ears)] {
    if (device.dial_number() != number) return;
    if (!site_ || (!stage_.calm && stage_.dice.one_in(12))) return device.unreachable();
    Wire::Path path{.window = static_cast<std::size_t>(stage_.dice.between(64, 4'096)),
                    .latency_ms = stage_.dice.between(0, 40)};
    if (stage_.dice.chance(60)) path.window = 64 * 1024;
    const auto shard = static_cast<unsigned>(stage_.dice.below(site_->shard_count()));
    auto wire = std::make_shared<Wire>(stage_, *site_, shard, next_connection_++, path, ears);
    wires_.push_back(wire);
    device.connected(std::move(wire));
  });
}

// --- How it begins

v1::Reply World::perform(commands::Caller caller, v1::ClientFrame frame) {
  std::optional<v1::Reply> reply;
  frame.set_request_id(1);
  auto asking = [](Site* site, commands::Caller who, const v1::ClientFrame* what,
                   std::optional<v1::Reply>* answered) -> runtime::Task<> {
    *answered = (co_await session::answer(site->parts(), std::move(who), *what)).whole();
  };
  runtime::spawn(site_->shard(0).executor(), "perform",
                 asking(site_.get(), caller, &frame, &reply));
  for (settle(); !reply && !ended(); settle()) stage_.agenda.take();
  if (!reply || reply->has_refusal())
    throw std::logic_error("the world can't be made: " +
                           (reply ? reply->refusal().ShortDebugString() : "no answer"));
  return std::move(*reply);
}

void World::make() {
  Dice& dice = stage_.dice;
  start_server();
  std::optional<uint64_t> owner;
  auto found = [](Site* site, std::optional<uint64_t>* made) -> runtime::Task<> {
    commands::NewSite fresh;
    fresh.name = "Simulation";
    fresh.owner_login = "owner";
    fresh.owner_name = "Owner";
    fresh.owner_password = passwords[0];
    auto account = co_await commands::create_site(site->gate(), fresh);
    *made = account.value();
  };
  runtime::spawn(site_->shard(0).executor(), "found", found(site_.get(), &owner));
  for (settle(); !owner && !ended(); settle()) stage_.agenda.take();
  owner_ = owner.value_or(0);
  stage_.ledger.truth.staff.insert(owner_);
  const commands::Caller staff{
      .account_id = owner_, .site_role = v1::SITE_ROLE_OWNER, .address = "console"};

  const auto clubs = dice.between(1, 3);
  for (int64_t i = 1; i <= clubs; ++i) {
    v1::ClientFrame frame;
    auto& create = *frame.mutable_create_club();
    create.set_slug("club-" + std::to_string(i));
    create.set_name("Club " + std::to_string(i));
    create.set_kind(static_cast<v1::ClubKind>(dice.between(1, 6)));
    create.set_language(v1::LANGUAGE_EN);
    create.set_client_msg_id(dice.bytes(16));
    const Stream club = Stream::club(perform(staff, frame).create_club().object_id());
    clubs_.push_back(club);
    v1::ClientFrame inviting;
    auto& invitation = *inviting.mutable_create_invitation();
    invitation.set_club_id(club.id);
    invitation.set_role(v1::CLUB_ROLE_MEMBER);
    invitation.set_max_uses(500);
    invitation.set_client_msg_id(dice.bytes(16));
    invitations_[club] = perform(staff, inviting).create_invitation().code();
  }

  const std::vector<v1::ClubRole> roles = {
      v1::CLUB_ROLE_MEMBER,  v1::CLUB_ROLE_MEMBER,    v1::CLUB_ROLE_MEMBER,   v1::CLUB_ROLE_GUEST,
      v1::CLUB_ROLE_SPONSOR, v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_COMMITTEE};
  const auto people = dice.between(3, 10);
  for (int64_t i = 0; i < people; ++i) {
    auto account = std::make_unique<Account>();
    account->login = "person-" + std::to_string(i);
    account->passwords = passwords;
    std::string code;
    for (const Stream club : clubs_) {
      const bool first = club == clubs_[static_cast<std::size_t>(i) % clubs_.size()];
      if (!first && dice.chance(60)) continue;
      v1::ClientFrame frame;
      auto& add = *frame.mutable_add_member();
      add.set_club_id(club.id);
      add.set_login(account->login);
      add.set_display_name("Person " + std::to_string(i));
      add.set_role(i == 0 ? v1::CLUB_ROLE_PRESIDENT : dice.pick(roles));
      add.set_client_msg_id(dice.bytes(16));
      const auto added = perform(staff, frame);
      if (code.empty()) code = added.add_member().activation_code();
      account->id = added.add_member().account_id();
    }
    v1::ClientFrame frame;
    auto& open = *frame.mutable_register_();
    open.set_code(code);
    open.set_login(account->login);
    open.set_password(passwords[0]);
    open.set_device_name("device");
    open.set_client_msg_id(dice.bytes(16));
    commands::Caller stranger{.address = account->login};
    std::string token = perform(stranger, frame).register_().token();
    const auto devices = dice.between(1, 3);
    for (int64_t d = 0; d < devices; ++d) {
      if (d > 0) {
        v1::ClientFrame login;
        login.mutable_login()->set_login(account->login);
        login.mutable_login()->set_password(passwords[0]);
        login.mutable_login()->set_device_name("another device");
        token = perform(stranger, login).login().token();
      }
      devices_.push_back(std::make_unique<Device>(stage_, static_cast<unsigned>(devices_.size()),
                                                  *account, token,
                                                  [this](Device& device) { dial(device); }));
      for (const Stream club : clubs_) devices_.back()->wanted.insert(club);
      devices_.back()->wanted.insert(Stream::account(account->id));
    }
    accounts_.push_back(std::move(account));
  }
}

std::optional<Violation> World::run() {
  stage_.say("seed {}: {} shards, a ring of {}", stage_.seed, shape_.shards, shape_.ring_entries);
  make();
  every_second();
  for (auto& device : devices_) device->start(/*resume=*/false);
  pass(500);
  stage_.calm = false;
  stage_.say("--- turmoil");
  plan_actions();
  plan_faults();
  while (!ended() && stage_.clock.steady_ms() < 1'000'000 + turmoil_ms) {
    pass(250);
    stage_.ledger.look(revoked_patience_ms);
  }
  if (!ended()) come_to_rest();
  if (!ended()) check_rest();
  stop_server(/*crash=*/true);
  count_.checks = stage_.ledger.checks;
  for (const Stream stream : stage_.ledger.truth.streams())
    count_.events += stage_.ledger.truth.head(stream);
  return stage_.ledger.violation();
}

// --- How it ends

void World::come_to_rest() {
  stage_.say("--- rest");
  stage_.calm = true;
  std::ranges::fill(busy_until_ms_, 0);
  // Somebody sets the clock right: until then, who waits in a slow room waits for it too.
  stage_.clock.catch_up();
  disk_.slow_until_ms = 0;
  disk_.crash_in = disk_.sync_fails_in = -1;
  if (disk_.is_broken()) restart_server(/*crash=*/false);
  for (auto& wire : wires_) wire->heal();
  const int64_t until = stage_.clock.steady_ms() + rest_ms;
  for (pass(3'000); !ended() && stage_.clock.steady_ms() < until; pass(500)) {
    stage_.ledger.look(revoked_patience_ms);
    if (!std::ranges::all_of(devices_, [](const auto& device) { return device->at_rest(); }))
      continue;
    // Whoever was refused, and may follow now, comes back.
    const Truth& truth = stage_.ledger.truth;
    bool all = true;
    for (auto& device : devices_) {
      for (const Stream stream : std::set<Stream>(device->wanted)) {
        if (!device->refused().contains(stream)) continue;
        if (!truth.may_follow(stream, device->account().id, truth.head(stream))) continue;
        device->follow(stream);
        all = false;
      }
    }
    if (all) return;
  }
  for (const auto& device : devices_) {
    if (!device->at_rest())
      stage_.ledger.fail("I5", "does not come to rest: " + device->condition());
  }
}

void World::check_rows() {
  const std::string difference = difference_from_replay(*databases_.live, *databases_.scratch);
  if (!difference.empty()) stage_.ledger.fail("I14", difference);
}

void World::check_rest() {
  const Truth& truth = stage_.ledger.truth;
  for (auto& device : devices_) {
    for (const Stream stream : device->wanted) {
      const bool may = truth.may_follow(stream, device->account().id, truth.head(stream));
      if (may == device->refused().contains(stream))
        stage_.ledger.fail(may ? "I5" : "I7", (may ? "is not let follow: " : "still follows: ") +
                                                  device->condition() + ": " + name(stream));
    }
    stage_.ledger.compare(device->told(), device->model());
  }
  check_rows();
  // Somebody who knows nothing sees the same.
  for (auto& device : devices_) {
    if (device->number() % 3 == 0) device->start(/*resume=*/false);
  }
  pass(2'000);
  for (auto& device : devices_) stage_.ledger.compare(device->told(), device->model());
}

}  // namespace amicale::simulation
