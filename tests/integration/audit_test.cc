// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The provable log from end to end: a real server, the SDK watching it, people asking for their case, the operator's console.
#include <doctest/doctest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "amicale/client/client.h"
#include "server/admin/console.h"
#include "server/admin/verbs.h"
#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;
using namespace std::chrono_literals;
using admin::kDone;
using admin::kRefused;
using admin::kUsage;
using client::AuditAlarm;
using client::AuditChecked;
using client::Stream;

struct Kept final : client::AuditStore {
  std::string load_key() override { return key; }
  void save_key(const std::string& public_key) override { key = public_key; }
  std::optional<v1::AuditHead> load(Stream stream) override {
    const auto found = heads.find(stream);
    return found == heads.end() ? std::nullopt : std::optional(found->second);
  }
  void save(const v1::AuditHead& head) override { heads[Stream::from(head.stream())] = head; }
  std::string key;
  std::map<Stream, v1::AuditHead> heads;
};

// A client that follows a club and remembers what its watch found.
class Watching {
 public:
  Watching(uint16_t port, const std::string& token, Stream club, Kept* kept = nullptr) {
    client::Options options;
    options.url = "ws://127.0.0.1:" + std::to_string(port);
    options.token = token;
    options.follow = {club};
    options.longest_wait = 50ms;
    options.audit_store = kept;
    options.on_happening = [this](const client::Happening& happening) {
      const std::lock_guard lock(mutex_);
      if (const auto* good = std::get_if<AuditChecked>(&happening)) size_ = good->head.size();
      if (const auto* alarm = std::get_if<AuditAlarm>(&happening)) alarms_.push_back(*alarm);
      changed_.notify_all();
    };
    client_.emplace(std::move(options));
    client_->connect();
  }

  bool wait_for_size(uint64_t size) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return size_ >= size || !alarms_.empty(); }) &&
           alarms_.empty();
  }
  std::optional<client::AuditFault> wait_for_alarm() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 30s, [&] { return !alarms_.empty(); });
    return alarms_.empty() ? std::nullopt : std::optional(alarms_.front().fault);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t size_ = 0;
  std::vector<AuditAlarm> alarms_;
  std::optional<client::Client> client_;  // last: its thread uses the rest
};

v1::ClientFrame case_of(v1::StreamId stream, uint64_t account, uint64_t after = 0,
                        uint32_t page = 0, uint64_t size = 0) {
  v1::ClientFrame frame;
  auto& ask = *frame.mutable_get_audit_proof();
  *ask.mutable_stream() = stream;
  ask.set_account_id(account);
  ask.set_after(after);
  ask.set_page(page);
  ask.set_size(size);
  return frame;
}

struct AuditWorld : ClubWorld {
  AuditWorld() {
    add("ada", v1::CLUB_ROLE_COMMITTEE);
    add("boris");
    add("chloe");
  }
  uint64_t acts() {
    return connect("owner").call(case_of(stream(), 0)).get_audit_proof().head().size();
  }
  // One act: Boris is paused, or let in again.
  void act() {
    paused_ = !paused_;
    const auto reply = connect("ada").call(
        set_status(club, (*this)["boris"].account,
                   paused_ ? v1::MEMBER_STATUS_PAUSED : v1::MEMBER_STATUS_ACTIVE));
    REQUIRE_MESSAGE(reply.has_set_member_status(), reply.refusal().message());
  }
  admin::Console console(const std::string& login) {
    admin::CommonOptions options;
    options.url = "ws://127.0.0.1:" + std::to_string(running.port());
    options.token = (*this)[login].token;
    options.profile_file = running.folder() / "console" / "session";
    options.language = v1::LANGUAGE_EN;
    return admin::Console(options);
  }
  std::string path(const std::string& name) { return (running.folder() / name).string(); }
  std::string data() { return (running.folder() / "data").string(); }

 private:
  bool paused_ = false;
};

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE(
    "whoever follows a club is told each new head, and finds that the log goes on, restarts and "
    "all") {
  AuditWorld world;
  const auto start = world.acts();
  CHECK(start > 5);
  Kept kept;
  {
    Watching boris(world.running.port(), world["boris"].token, Stream::club(world.club), &kept);
    REQUIRE(boris.wait_for_size(start));
    world.act();
    REQUIRE(boris.wait_for_size(start + 1));
    world.act();
    REQUIRE(boris.wait_for_size(start + 2));
  }
  CHECK(kept.heads.at(Stream::club(world.club)).size() == start + 2);
  world.running.stop();
  world.running.start();
  world.act();
  world.act();
  Watching again(world.running.port(), world["boris"].token, Stream::club(world.club), &kept);
  CHECK(again.wait_for_size(start + 4));
}

TEST_CASE("a person gets a proof of their own case, banned or not, and nothing about others") {
  AuditWorld world;
  const uint64_t boris = world["boris"].account;
  auto ada = world.connect("ada");
  // Of the committee it would take two.
  auto owner = world.connect("owner");
  REQUIRE(
      owner.call(set_status(world.club, boris, v1::MEMBER_STATUS_BANNED)).has_set_member_status());
  const auto mine = world.connect("boris").call(case_of(world.stream(), boris)).get_audit_proof();
  REQUIRE(mine.records_size() >= 2);
  CHECK_FALSE(client::check_proof(mine));
  for (const auto& proven : mine.records()) {
    CHECK(proven.opening().subject() == boris);
    CHECK(proven.opening().subject_salt().size() == 32);
  }
  const auto& last = *mine.records().rbegin();
  CHECK(last.opening().actor() == world["owner"].account);
  v1::Event details;
  REQUIRE(details.ParseFromString(last.opening().details()));
  CHECK(details.member_changed().member().status() == v1::MEMBER_STATUS_BANNED);
  // What a false opening would look like.
  auto forged = mine;
  forged.mutable_records()->rbegin()->mutable_opening()->set_actor(boris);
  CHECK(client::check_proof(forged) == client::AuditFault::BadOpening);

  const auto refusal = [&](const std::string& who, const v1::ClientFrame& frame) {
    return world.connect(who).call(frame).refusal().code();
  };
  CHECK(refusal("boris", case_of(world.stream(), world["chloe"].account)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(refusal("boris", case_of(world.stream(), 0)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(refusal("chloe", case_of(world.stream(), boris)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(refusal("chloe", case_of(world.stream(), 0)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(refusal("chloe", case_of(club_stream(999), world["chloe"].account)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(refusal("chloe", case_of(account_stream(world["chloe"].account), world["chloe"].account)) ==
        v1::REFUSAL_CODE_BAD_REQUEST);
  CHECK(ada.call(case_of(world.stream(), boris)).get_audit_proof().records_size() ==
        mine.records_size());

  // Whoever has a case may follow the log that it is in, without reading the club.
  v1::ClientFrame frame;
  *frame.mutable_get_audit_consistency()->mutable_stream() = world.stream();
  frame.mutable_get_audit_consistency()->set_from_size(2);
  frame.mutable_get_audit_consistency()->set_to_size(mine.head().size());
  const auto path = world.connect("boris").call(frame).get_audit_consistency().path();
  const auto older = ada.call(case_of(world.stream(), 0, 0, 1, 2)).get_audit_proof().head();
  const std::vector<std::string> hashes(path.begin(), path.end());
  CHECK(client::is_consistent(older, mine.head(), hashes));
}

TEST_CASE("pages of the whole log agree, and a size that is not there is no size") {
  AuditWorld world;
  auto ada = world.connect("ada");
  const auto first = ada.call(case_of(world.stream(), 0, 0, 3)).get_audit_proof();
  REQUIRE(first.records_size() == 3);
  CHECK(first.next() == 3);
  world.act();
  uint64_t next = first.next();
  uint64_t count = 3;
  while (next != 0) {
    const auto page =
        ada.call(case_of(world.stream(), 0, next, 3, first.head().size())).get_audit_proof();
    CHECK_FALSE(client::check_proof(page));
    CHECK(page.head().root() == first.head().root());
    count += static_cast<uint64_t>(page.records_size());
    next = page.next();
  }
  CHECK(count == first.head().size());
  CHECK(ada.call(case_of(world.stream(), 0, 0, 0, 1000)).refusal().code() ==
        v1::REFUSAL_CODE_NOT_FOUND);
  v1::ClientFrame frame;
  *frame.mutable_get_audit_consistency()->mutable_stream() = world.stream();
  CHECK(ada.call(frame).refusal().code() == v1::REFUSAL_CODE_BAD_REQUEST);
}

TEST_CASE("an operator who puts an older copy in place is found out by whoever had seen more") {
  AuditWorld world;
  world.act();
  world.running.stop();
  std::filesystem::copy(world.data(), world.path("older"),
                        std::filesystem::copy_options::recursive);
  world.running.start();
  Kept kept;
  {
    world.act();
    world.act();
    Watching boris(world.running.port(), world["boris"].token, Stream::club(world.club), &kept);
    REQUIRE(boris.wait_for_size(world.acts()));
  }
  const auto seen = kept.heads.at(Stream::club(world.club)).size();
  world.running.stop();
  std::filesystem::remove_all(world.data());
  std::filesystem::rename(world.path("older"), world.data());
  world.running.start();
  CHECK(world.acts() < seen);
  {
    Watching boris(world.running.port(), world["boris"].token, Stream::club(world.club), &kept);
    CHECK(boris.wait_for_alarm() == client::AuditFault::Truncated);
  }
  world.act();
  world.act();
  world.act();
  REQUIRE(world.acts() > seen);
  Watching boris(world.running.port(), world["boris"].token, Stream::club(world.club), &kept);
  CHECK(boris.wait_for_alarm() == client::AuditFault::Rewritten);
  CHECK(kept.heads.at(Stream::club(world.club)).size() == seen);
}

TEST_CASE(
    "the console exports, proves and checks, online and offline, and tells what was changed") {
  AuditWorld world;
  world.act();
  auto owner = world.console("owner");
  const auto before = world.path("before.jsonl");
  const std::string slug = [&] {
    v1::ClientFrame frame;
    frame.mutable_list_clubs();
    return world.connect("owner").call(frame).list_clubs().clubs(0).club().slug();
  }();
  REQUIRE(run(admin::verb::AuditExport{slug, before, ""}, owner) == kDone);
  CHECK(run(admin::verb::AuditVerify{before, "", "", ""}, owner) == kDone);
  world.act();
  const auto after = world.path("after.jsonl");
  REQUIRE(run(admin::verb::AuditExport{slug, after, ""}, owner) == kDone);
  CHECK(run(admin::verb::AuditVerify{after, "", "", before}, owner) == kDone);
  CHECK(run(admin::verb::AuditVerify{before, "", "", after}, owner) == kRefused);
  REQUIRE(run(admin::verb::AuditExport{"", world.path("site.jsonl"), ""}, owner) == kDone);
  CHECK(run(admin::verb::AuditVerify{world.path("site.jsonl"), "", "", before}, owner) == kRefused);

  // A proof of one's own case, by whom it concerns.
  auto boris = world.console("boris");
  const auto proof = world.path("boris.jsonl");
  REQUIRE(run(admin::verb::AuditProve{std::to_string(world.club), "", proof}, boris) == kDone);
  CHECK(run(admin::verb::AuditVerify{proof, "", "", before}, boris) == kDone);
  CHECK(run(admin::verb::AuditExport{slug, world.path("no.jsonl"), ""}, boris) == kRefused);
  CHECK_FALSE(std::filesystem::exists(world.path("no.jsonl")));

  // Any byte.
  const auto text = contents(after);
  const auto changed = world.path("changed.jsonl");
  for (size_t at = 0; at < text.size(); at += 1 + text.size() / 150) {
    auto other = text;
    other[at] = static_cast<char>(other[at] ^ 1);
    std::ofstream(changed, std::ios::binary) << other;
    CHECK_MESSAGE(run(admin::verb::AuditVerify{changed, "", "", ""}, owner) == kRefused, at);
  }
  CHECK(run(admin::verb::AuditVerify{changed, "", "rubbish", ""}, owner) == kUsage);
  CHECK(run(admin::verb::AuditVerify{"", "", "", ""}, owner) == kUsage);
  CHECK(run(admin::verb::AuditVerify{world.path("nowhere"), "", "", ""}, owner) == kUsage);

  // The folder itself, a rotation, and the file of before under the new key.
  world.running.stop();
  CHECK(run(admin::verb::AuditVerify{"", world.data(), "", after}, owner) == kDone);
  REQUIRE(run(admin::verb::AuditRotate{world.data()}, owner) == kDone);
  const auto offline = world.path("offline.jsonl");
  REQUIRE(run(admin::verb::AuditExport{slug, offline, world.data()}, owner) == kDone);
  CHECK(contents(offline) != text);
  CHECK(run(admin::verb::AuditVerify{offline, "", "", after}, owner) == kDone);
  world.running.start();
}

TEST_CASE("a rotated key is followed by a client that had pinned the old one") {
  AuditWorld world;
  Kept kept;
  {
    Watching boris(world.running.port(), world["boris"].token, Stream::club(world.club), &kept);
    REQUIRE(boris.wait_for_size(world.acts()));
  }
  const auto old_key = kept.key;
  auto console = world.console("owner");
  world.running.stop();
  REQUIRE(run(admin::verb::AuditRotate{world.data()}, console) == kDone);
  world.running.start();
  world.act();
  Watching boris(world.running.port(), world["boris"].token, Stream::club(world.club), &kept);
  CHECK(boris.wait_for_size(world.acts()));
  CHECK(kept.key != old_key);
}

}  // namespace amicale
