// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include "amicale/v1/frame.pb.h"
#include "server/session/subscription.h"
#include "storage/entry.h"

namespace amicale::session {
namespace {

constexpr uint64_t me = 7;
constexpr uint16_t everyone = domain::all_roles;
constexpr uint16_t committee = domain::committee_and_above;

struct Fixture {
  hub::Followed followed{storage::PartitionId::club(3), 0, 1 << 20, 1'000};

  void say(uint16_t roles, uint64_t account = 0) {
    v1::Event event;
    event.set_seq(followed.ring.head() + 1);
    event.mutable_message_posted()->set_number(event.seq());
    append(event, roles, account);
  }
  void become(v1::ClubRole role, v1::MemberStatus status) {
    v1::Event event;
    event.set_seq(followed.ring.head() + 1);
    auto* member = event.mutable_member_changed()->mutable_member();
    member->set_account_id(me);
    member->set_role(role);
    member->set_status(status);
    append(event, everyone, me);
  }
  void append(const v1::Event& event, uint16_t roles, uint64_t account) {
    std::string framed;
    storage::frame_event(event, framed);
    followed.ring.append(framed, roles, account);
  }
  Subscription reader(v1::ClubRole role, uint64_t after, uint64_t now_seq, uint64_t replay_to = 0) {
    return Subscription(followed, 0, after, {role, role, me}, now_seq, false, replay_to);
  }
};

// Everything that the reader would be sent now, as the client parses it.
v1::ServerFrame drain(Subscription& subscription, std::size_t budget = 1 << 20) {
  Outgoing out;
  while (subscription.gather(out, budget) == Subscription::Need::writing) {
  }
  std::string bytes;
  for (const auto& buffer : out.buffers())
    bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
  v1::ServerFrame frame;
  REQUIRE(frame.ParseFromString(bytes));
  return frame;
}

std::vector<uint64_t> seqs(const v1::ServerFrame& frame) {
  std::vector<uint64_t> all;
  for (const auto& batch : frame.batches()) {
    for (const auto& event : batch.events()) all.push_back(event.seq());
  }
  return all;
}

TEST_CASE("a run of visible events is one batch that parses, with its cursors") {
  Fixture f;
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 0);
  for (int i = 0; i < 5; ++i) f.say(everyone);
  auto frame = drain(reader);
  REQUIRE(frame.batches_size() == 1);
  CHECK(frame.batches(0).stream().id() == 3);
  CHECK(frame.batches(0).after_seq() == 0);
  CHECK(frame.batches(0).through_seq() == 5);
  CHECK(frame.batches(0).events_size() == 5);
  CHECK(drain(reader).batches_size() == 0);
}

TEST_CASE("events for others are passed in silence, and told with the next visible one") {
  Fixture f;
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 0);
  f.say(committee);
  f.say(committee);
  CHECK(drain(reader).batches_size() == 0);
  CHECK(reader.cursor() == 2);
  f.say(everyone);
  auto frame = drain(reader);
  REQUIRE(frame.batches_size() == 1);
  CHECK(frame.batches(0).after_seq() == 0);
  CHECK(frame.batches(0).through_seq() == 3);
  CHECK(seqs(frame) == std::vector<uint64_t>{3});
}

TEST_CASE("the batch that ends a promised replay is sent even when nothing in it is visible") {
  Fixture f;
  f.say(committee);
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 1, 1);
  auto frame = drain(reader);
  REQUIRE(frame.batches_size() == 1);
  CHECK(frame.batches(0).through_seq() == 1);
  CHECK(frame.batches(0).events_size() == 0);
}

TEST_CASE("a promotion counts from its event on, a demotion ends what it gave") {
  Fixture f;
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 0);
  f.say(committee);                                             // 1: not yet
  f.become(v1::CLUB_ROLE_COMMITTEE, v1::MEMBER_STATUS_ACTIVE);  // 2
  f.say(committee);                                             // 3: now
  f.become(v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE);     // 4
  f.say(committee);                                             // 5: no more
  CHECK(seqs(drain(reader)) == std::vector<uint64_t>{2, 3, 4});
}

TEST_CASE("an old cursor does not bring back what a role gave when the role is gone") {
  Fixture f;
  f.become(v1::CLUB_ROLE_COMMITTEE, v1::MEMBER_STATUS_ACTIVE);  // 1
  f.say(committee);                                             // 2
  f.become(v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE);     // 3
  // As a session resumes at 0 with the head at 3: a member then, a member now.
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 3, 3);
  CHECK(seqs(drain(reader)) == std::vector<uint64_t>{1, 3});
}

TEST_CASE("removal is the last thing that the cursor passes") {
  Fixture f;
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 0);
  f.say(everyone);
  f.become(v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_REMOVED);
  f.say(everyone);
  f.say(everyone, me);
  auto frame = drain(reader);
  CHECK(seqs(frame) == std::vector<uint64_t>{1, 2});
  CHECK(frame.batches(frame.batches_size() - 1).ended());
  CHECK(frame.batches(frame.batches_size() - 1).through_seq() == 2);
  CHECK(reader.ended());
  f.say(everyone);
  CHECK(drain(reader).batches_size() == 0);
}

TEST_CASE("a small budget makes several batches, without a hole between them") {
  Fixture f;
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 0);
  for (int i = 0; i < 50; ++i) f.say(everyone);
  auto frame = drain(reader, 20);
  CHECK(frame.batches_size() > 5);
  uint64_t after = 0;
  for (const auto& batch : frame.batches()) {
    CHECK(batch.after_seq() == after);
    after = batch.through_seq();
  }
  CHECK(after == 50);
  CHECK(seqs(frame).size() == 50);
}

TEST_CASE("off the ring, a page of the log is asked for, and then the ring goes on") {
  Fixture f;
  f.followed.ring = hub::Ring(0, 1 << 20, 2);
  storage::EventRun page;
  page.first_seq = 1;
  for (uint64_t seq = 1; seq <= 4; ++seq) {
    v1::Event event;
    event.set_seq(seq);
    storage::frame_event(event, page.bytes);
    page.items.push_back({{everyone, 0}, static_cast<uint32_t>(page.bytes.size())});
    f.say(everyone);
  }
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 4);
  Outgoing out;
  CHECK(reader.gather(out, 1 << 20) == Subscription::Need::page);
  CHECK(out.empty());
  page.items.resize(2);
  page.bytes.resize(page.items.back().end);
  reader.give(std::make_shared<const storage::EventRun>(page), v1::CLUB_ROLE_MEMBER, 4);
  CHECK(seqs(drain(reader)) == std::vector<uint64_t>{1, 2, 3, 4});
}

TEST_CASE("a page that was read before words were deleted is asked for again") {
  Fixture f;
  f.followed.ring = hub::Ring(0, 1 << 20, 1);
  storage::EventRun page;
  page.first_seq = 1;
  for (uint64_t seq = 1; seq <= 3; ++seq) {
    v1::Event event;
    event.set_seq(seq);
    storage::frame_event(event, page.bytes);
    page.items.push_back({{everyone, 0}, static_cast<uint32_t>(page.bytes.size())});
    f.say(everyone);
  }
  auto reader = f.reader(v1::CLUB_ROLE_MEMBER, 0, 3);
  Outgoing out;
  CHECK(reader.gather(out, 1 << 20) == Subscription::Need::page);
  ++f.followed.redactions;  // while the page is being read
  reader.give(std::make_shared<const storage::EventRun>(page), v1::CLUB_ROLE_MEMBER, 3);
  CHECK(reader.gather(out, 1 << 20) == Subscription::Need::page);
  CHECK(out.empty());
  reader.give(std::make_shared<const storage::EventRun>(page), v1::CLUB_ROLE_MEMBER, 3);
  CHECK(seqs(drain(reader)) == std::vector<uint64_t>{1, 2, 3});
}

}  // namespace
}  // namespace amicale::session
