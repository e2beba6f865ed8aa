// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/apply.h"

#include <map>
#include <random>

#include "storage/log_reader.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

using storage_test::commit;
using storage_test::options_in;
using storage_test::tell_everything;
using storage_test::TempFolder;

namespace {

struct Told {
  Told() : database(options_in(folder.path())) { tell_everything(database); }
  TempFolder folder;
  Database database;
  View view{database};
};

const auto club = PartitionId::club(1);

}  // namespace

TEST_CASE_FIXTURE(Told, "the site's log makes accounts, logins, slugs and the last ids") {
  const auto site = view.site();
  CHECK(site.name() == "Alumni");
  CHECK(site.last_account_id() == 8);
  CHECK(site.last_club_id() == 1);
  CHECK(view.account_id_by_login("ada") == 7);
  CHECK_FALSE(view.account_id_by_login("eve"));
  CHECK(view.club_id_by_slug("rh") == 1);
  const auto ada = view.account(7);
  REQUIRE(ada);
  CHECK(ada->login() == "ada");
  CHECK(ada->site_role() == v1::SITE_ROLE_OWNER);
  CHECK(ada->external_id() == "A-7");
  CHECK(ada->created_ms() == 1);
  CHECK(view.account(8)->site_role() == v1::SITE_ROLE_NONE);
  CHECK_FALSE(view.account(9));
  CHECK(view.accounts(0, 0).size() == 2);
  CHECK(view.accounts(7, 1).at(0).account_id() == 8);
}

TEST_CASE_FIXTURE(Told,
                  "an account's own log makes its profile, password, devices, marks and levels") {
  const auto ada = view.account(7);
  REQUIRE(ada);
  CHECK(ada->display_name() == "Ada L");
  CHECK(ada->language() == v1::LANGUAGE_EN);
  CHECK(ada->password_hash() == "$argon2id$1");
  CHECK(view.account(8)->display_name() == "Bob");
  const auto tokens = view.tokens_of(7);
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].token_id() == 2);
  CHECK(tokens[0].device_name() == "desk");
  CHECK(view.token_by_hash("hash-of-token-two-32-bytes-long!")->account_id() == 7);
  CHECK_FALSE(view.token_by_hash("hash-of-token-one-32-bytes-long!"));
  CHECK(view.level(7, club, 1)->level() == v1::NOTIFICATION_LEVEL_ALL);
  CHECK(view.levels_of(7).size() == 1);
  CHECK(view.read_mark(8, club, 1)->number() == 2);
  CHECK(view.read_marks_of(8).size() == 1);
  CHECK(view.read_marks_of(7).empty());
}

TEST_CASE_FIXTURE(
    Told, "sanctions are found by club, by person, while they stand and when they are over") {
  const auto mute = view.sanction(club, 1);
  REQUIRE(mute);
  CHECK(mute->note() == "a private word");
  CHECK(mute->evidence(0).body() == "third words");
  CHECK(mute->sanction().start_seq() != 0);
  const auto lifted = view.sanction(club, 2);
  REQUIRE(lifted);
  CHECK(lifted->sanction().end() == v1::SANCTION_END_LIFTED);
  CHECK(lifted->sanction().ended_ms() == 18);
  CHECK(lifted->sanction().end_text() == "sorry");
  REQUIRE(view.sanctions_of(club, 0, 0).size() == 2);
  CHECK(view.sanctions_of(club, 0, 0)[0].sanction().sanction_id() == 2);
  CHECK(view.sanctions_of(club, 2, 1)[0].sanction().sanction_id() == 1);
  CHECK(view.sanctions_on(8).size() == 3);
  CHECK(view.sanctions_on(8, club).size() == 2);
  CHECK(view.sanctions_on(7).empty());
  REQUIRE(view.standing_sanctions(club).size() == 1);
  CHECK(view.standing_sanctions(club)[0].sanction().sanction_id() == 1);
  CHECK(view.standing_sanctions(PartitionId::account(8)).size() == 1);
  CHECK(view.due_sanctions(99, 10).empty());
  const auto due = view.due_sanctions(1'000, 10);  // an account's ban is judged when it comes
  REQUIRE(due.size() == 1);
  CHECK(due[0].partition == club);
  CHECK(due[0].account_id == 8);
  commit(
      database, club,
      {{"time_ms: 120 sanction_ended { sanction_id: 1 account_id: 8 end: SANCTION_END_LAPSED }"}});
  CHECK(view.due_sanctions(1'000, 10).empty());
  CHECK(view.standing_sanctions(club).empty());
  CHECK(view.sanction(club, 1)->sanction().ended_ms() == 100);
}

TEST_CASE_FIXTURE(Told,
                  "a proposal is open until an event closes it, and a repeat is told its number") {
  commit(database, club,
         {{"time_ms: 120 actor: 7 client_msg_id: 'proposal-0000000' act_proposed { proposal { "
           "proposal_id: 1 club_id: 1 account_id: 8 state: PROPOSAL_STATE_OPEN expires_ms: 500 } }",
           "evidence { room_id: 1 number: 2 body: 'third words' }"}},
         {.request_kind = 120});
  commit(database, club,
         {{"time_ms: 121 actor: 7 act_proposed { proposal { proposal_id: 2 account_id: 9 "
           "state: PROPOSAL_STATE_OPEN expires_ms: 600 } }"}});
  REQUIRE(view.open_proposals(club).size() == 2);
  CHECK(view.open_proposals(club)[0].evidence(0).body() == "third words");
  const auto answer = view.idempotency(club, 7, "proposal-0000000");
  REQUIRE(answer);
  CHECK(answer->committed().proposal_id() == 1);
  CHECK(answer->committed().object_id() == 0);
  commit(
      database, club,
      {{"time_ms: 122 actor: 9 proposal_closed { proposal_id: 1 "
        "state: PROPOSAL_STATE_CONFIRMED sanction_id: 3 }"},
       {"time_ms: 900 actor: 9 proposal_closed { proposal_id: 2 state: PROPOSAL_STATE_EXPIRED }"}});
  CHECK(view.open_proposals(club).empty());
  REQUIRE(view.proposals_of(club, 0, 0).size() == 2);
  const auto confirmed = view.proposal(club, 1)->proposal();
  CHECK(confirmed.decided_by() == 9);
  CHECK(confirmed.decided_ms() == 122);
  CHECK(confirmed.sanction_id() == 3);
  // Nobody decided that its time was over, whoever's command says so.
  CHECK(view.proposal(club, 2)->proposal().decided_by() == 0);
  CHECK(view.proposal(club, 2)->proposal().decided_ms() == 600);
}

TEST_CASE_FIXTURE(Told, "every version of a charter is kept, and who accepted which") {
  CHECK_FALSE(view.charter(club));
  commit(
      database, club,
      {{"time_ms: 120 actor: 7 charter_adopted { charter { version: 1 rules { rule_id: 'a' } } }"},
       {"time_ms: 121 actor: 8 charter_accepted { account_id: 8 version: 1 }"},
       {"time_ms: 122 actor: 7 charter_adopted { charter { version: 2 rules { rule_id: 'b' } } "
        "}"}});
  REQUIRE(view.charter(club));
  CHECK(view.charter(club)->version() == 2);
  CHECK(view.charter(club, 1)->rules(0).rule_id() == "a");
  CHECK_FALSE(view.charter(club, 3));
  CHECK(view.club(club.id)->charter_version() == 2);
  REQUIRE(view.member(club.id, 8));
  CHECK(view.member(club.id, 8)->charter_version() == 1);
}

TEST_CASE_FIXTURE(Told,
                  "raid mode is found by its club, and by when it is over, until its end is said") {
  commit(database, club,
         {{"time_ms: 30 raid_mode_started { raid { raid_id: 1 trigger: RAID_TRIGGER_JOIN_RATE "
           "start_ms: 30 until_ms: 100 newcomers_since_ms: 10 } }"}});
  CHECK(view.due_measures(99, 10).empty());
  REQUIRE(view.due_measures(100, 10).size() == 1);
  CHECK(view.due_measures(100, 10)[0].club_id == 1);
  CHECK(view.due_measures(100, 10)[0].room_id == 0);
  commit(database, club,
         {{"time_ms: 31 actor: 7 raid_mode_prolonged { raid_id: 1 until_ms: 150 }"}});
  CHECK(view.due_measures(149, 10).empty());
  CHECK(view.raid(1)->until_ms() == 150);
  CHECK(view.raid(1)->newcomers_since_ms() == 10);
  commit(database, club, {{"time_ms: 151 raid_mode_ended { raid_id: 1 end: RAID_END_LAPSED }"}});
  CHECK(view.due_measures(1'000, 10).empty());
  CHECK(view.raid(1)->ended_ms() == 150);
  CHECK_FALSE(view.raid(2));
  // The log's end, by time and by number, the oldest first.
  const auto tail = view.tail(club, 31, 10);
  REQUIRE(tail.size() == 2);
  CHECK(tail[0].has_raid_mode_prolonged());
  CHECK(tail[1].has_raid_mode_ended());
  CHECK(view.tail(club, 0, 1).at(0).has_raid_mode_ended());
  CHECK(view.tail(club, 152, 10).empty());
}

TEST_CASE_FIXTURE(
    Told, "a room that is slow by itself is found by when it is over, and keeps it when changed") {
  commit(database, club,
         {{"time_ms: 30 room_slowed { room_id: 1 automatic: true slow_mode_s: 15 until_ms: 100 }"},
          {"time_ms: 31 actor: 7 room_changed { room { room_id: 1 name: 'Other' "
           "access: ROOM_ACCESS_ALL } }"}});
  REQUIRE(view.due_measures(100, 10).size() == 1);
  CHECK(view.due_measures(100, 10)[0].room_id == 1);
  CHECK(view.due_measures(99, 10).empty());
  CHECK(view.room(1, 1)->auto_slow_s() == 15);
  CHECK(view.room(1, 1)->auto_slow_since_ms() == 30);
  commit(database, club, {{"time_ms: 40 actor: 7 room_slow_ended { room_id: 1 lifted: true }"}});
  CHECK(view.due_measures(1'000, 10).empty());
  CHECK(view.room(1, 1)->auto_slow_s() == 0);
  CHECK(view.room(1, 1)->auto_slow_lifted_ms() == 40);
}

TEST_CASE_FIXTURE(
    Told,
    "what is brought back and deleted again is nowhere in the public log, and its words are kept") {
  const auto message = view.message(club, 1, 2);
  REQUIRE(message);
  CHECK(message->deleted());
  CHECK(message->deleted_by() == 7);
  CHECK(message->delete_reason() == v1::REASON_CODE_SPAM);
  CHECK(message->restored_seq() != 0);
  CHECK(message->edit_locked());
  const auto part = view.private_part(club, message->deleted_seq());
  REQUIRE(part);
  CHECK(part->previous_body() == "third words");
  CHECK_FALSE(view.private_part(club, 9'999));
  const auto run = read_log(view, club, 1, {});
  CHECK(run.bytes.find("third words") == std::string::npos);
  CHECK(run.bytes.find("softer words") == std::string::npos);
}

TEST_CASE_FIXTURE(Told,
                  "a report is found by what it is about and by when it is due, and who told by "
                  "nobody but the server") {
  const auto row = view.report(club, 1);
  REQUIRE(row);
  CHECK(row->reporters_size() == 1);
  CHECK(row->report().reporters() == 1);
  CHECK(row->report().evidence(0).body() == "third words");
  CHECK(row->report().texts(0) == "look");
  CHECK(view.report_about(club, 8, 1, 2)->report().report_id() == 1);
  CHECK_FALSE(view.report_about(club, 8, 0, 0));
  CHECK(view.reports_by(7, club) == 1);
  CHECK(view.open_reports(club).size() == 1);
  CHECK(view.reports_of(club, 0, 0).size() == 2);
  CHECK(view.overdue_reports(49, 10).empty());
  CHECK(view.overdue_reports(50, 10).size() == 1);
  // A repeat by the one who told is recognised, though the event does not say who that was.
  CHECK(view.idempotency(club, 7, "fedcba9876543210"));
  CHECK_FALSE(view.idempotency(club, 0, "fedcba9876543210"));
  CHECK(view.removal(club, 1)->undone_by() == 7);
}

TEST_CASE_FIXTURE(Told, "a read mark never goes back") {
  const std::string mark =
      "read_marked { mark { stream { kind: STREAM_KIND_CLUB id: 1 } room_id: 1 number: ";
  commit(database, PartitionId::account(8), {{mark + "1 } }"}});
  CHECK(view.read_mark(8, club, 1)->number() == 2);
  commit(database, PartitionId::account(8), {{mark + "3 } }"}});
  CHECK(view.read_mark(8, club, 1)->number() == 3);
}

TEST_CASE_FIXTURE(Told, "a club's log makes the club, its rooms, members and invitations") {
  const auto row = view.club(1);
  REQUIRE(row);
  CHECK(row->name() == "RH Paris");
  CHECK(row->slug() == "rh");
  CHECK(row->capacity() == 50);
  CHECK(row->active_members() == 2);
  CHECK(view.clubs().size() == 1);
  const auto room = view.room(1, 1);
  REQUIRE(room);
  CHECK(room->name() == "Big hall");
  CHECK(room->head_number() == 2);
  REQUIRE(room->pins_size() == 1);
  CHECK(room->pins(0) == 1);
  CHECK(view.rooms_of(1).size() == 1);
  CHECK(view.members_of(1).size() == 2);
  CHECK(view.members_of(1, 7).size() == 1);
  CHECK(view.members_of(1, 0, 1).at(0).account_id() == 7);
  CHECK(view.member(1, 8)->display_name() == "Bob");
  const auto memberships = view.memberships_of(8);
  REQUIRE(memberships.size() == 1);
  CHECK(memberships[0].club_id == 1);
  const auto invitation = view.invitation(club, 1);
  REQUIRE(invitation);
  CHECK(invitation->invitation().uses() == 1);
  CHECK(invitation->invitation().revoked());
  CHECK(invitation->account_id() == 8);
  CHECK(view.invitation_by_hash("hash-of-code-one-32-bytes-long!!")->invitation().max_uses() == 2);
  CHECK_FALSE(view.invitation_by_hash("hash-of-code-two-32-bytes-long!!"));
  CHECK(view.invitations_of(club).size() == 1);
}

TEST_CASE_FIXTURE(Told, "the role at a seq is the one that held there") {
  const auto changed = commit(database, club,
                              {{"member_changed { member { account_id: 8 role: CLUB_ROLE_COMMITTEE "
                                "status: MEMBER_STATUS_ACTIVE } }"}});
  const auto left = commit(database, club,
                           {{"member_changed { member { account_id: 8 role: CLUB_ROLE_COMMITTEE "
                             "status: MEMBER_STATUS_LEFT } }"}});
  CHECK_FALSE(view.role_at(1, 8, 5));
  CHECK(view.role_at(1, 8, 6)->role() == v1::CLUB_ROLE_MEMBER);
  CHECK(view.role_at(1, 8, changed.first_seq() - 1)->role() == v1::CLUB_ROLE_MEMBER);
  CHECK(view.role_at(1, 8, changed.first_seq())->role() == v1::CLUB_ROLE_COMMITTEE);
  CHECK(view.role_at(1, 8, left.first_seq())->status() == v1::MEMBER_STATUS_LEFT);
  CHECK(view.role_at(1, 8, ~0ull)->status() == v1::MEMBER_STATUS_LEFT);
  CHECK_FALSE(view.role_at(1, 9, ~0ull));
  CHECK(view.role_history(1, 8).size() == 3);
  CHECK(view.role_history(1, 8).front().seq == left.first_seq());
  CHECK(view.club(1)->active_members() == 1);
}

TEST_CASE_FIXTURE(Told, "a change of name alone is no change of role") {
  commit(database, club,
         {{"member_changed { member { account_id: 8 display_name: 'Robert' role: CLUB_ROLE_MEMBER "
           "status: MEMBER_STATUS_ACTIVE } }"}});
  CHECK(view.member(1, 8)->display_name() == "Robert");
  CHECK(view.role_history(1, 8).size() == 1);
  CHECK(view.club(1)->active_members() == 2);
}

TEST_CASE_FIXTURE(Told, "a message carries its seq, author, time and reactions") {
  const auto message = view.message(club, 1, 1);
  REQUIRE(message);
  CHECK(message->seq() == 9);
  CHECK(message->author() == 7);
  CHECK(message->time_ms() == 10);
  CHECK(message->body() == "hello");
  CHECK(message->client_msg_id() == "0123456789abcdef");
  REQUIRE(message->reactions_size() == 1);
  CHECK(message->reactions(0).accounts(0) == 7);
}

TEST_CASE_FIXTURE(Told, "reactions are added once, taken back, and vanish with the last") {
  const std::string react = "reaction_changed { room_id: 1 number: 1 emoji: '+1' added: ";
  commit(database, club, {{"actor: 7 " + react + "true }"}, {"actor: 8 " + react + "true }"}});
  CHECK(view.message(club, 1, 1)->reactions(0).accounts_size() == 2);
  commit(database, club, {{"actor: 7 " + react + "false }"}, {"actor: 9 " + react + "false }"}});
  CHECK(view.message(club, 1, 1)->reactions(0).accounts(0) == 8);
  commit(database, club, {{"actor: 8 " + react + "false }"}});
  CHECK(view.message(club, 1, 1)->reactions_size() == 0);
}

TEST_CASE_FIXTURE(
    Told, "a deleted message is a tombstone, and its words are in no public byte of the log") {
  const auto message = view.message(club, 1, 2);
  REQUIRE(message);
  CHECK(message->deleted());
  CHECK(message->body().empty());
  CHECK(message->author() == 8);
  CHECK_FALSE(message->has_mentions());
  CHECK(message->reactions_size() == 0);
  const auto log = read_log(view, club, 1);
  for (const auto* words : {"secret words", "softer words", "third words"}) {
    CHECK(log.bytes.find(words) == std::string::npos);
  }
  CHECK(log.bytes.find("hello") != std::string::npos);
  CHECK_NOTHROW(walk_log(view, club, [](const FullEntry&) { return true; }));
  // Moderators still find them, in the private part of the deletion.
  CHECK(read_private(view, club, 16)->previous_body() == "third words");
}

TEST_CASE_FIXTURE(Told, "nothing changes a tombstone") {
  commit(database, club,
         {{"actor: 8 message_edited { room_id: 1 number: 2 body: 'back' }"},
          {"actor: 8 reaction_changed { room_id: 1 number: 2 emoji: 'x' added: true }"}});
  CHECK(view.message(club, 1, 2)->body().empty());
  CHECK(view.message(club, 1, 2)->reactions_size() == 0);
}

TEST_CASE_FIXTURE(Told, "an imported message has a name instead of an author, and its own time") {
  commit(database, club,
         {{"actor: 7 time_ms: 99 message_posted { room_id: 1 number: 3 body: 'old' "
           "imported_author: 'seb' imported_time_ms: 5 }"}});
  const auto message = view.message(club, 1, 3);
  CHECK(message->author() == 0);
  CHECK(message->imported_author() == "seb");
  CHECK(message->time_ms() == 5);
}

TEST_CASE_FIXTURE(Told, "messages are paged both ways from a number, inclusive") {
  storage_test::post(database, 3, 8);
  const auto numbers = [&](uint64_t from, size_t limit, View::Direction direction) {
    std::vector<uint64_t> found;
    for (const auto& m : view.messages(club, 1, from, limit, direction))
      found.push_back(m.number());
    return found;
  };
  CHECK(numbers(4, 3, View::Direction::newer) == std::vector<uint64_t>{4, 5, 6});
  CHECK(numbers(4, 3, View::Direction::older) == std::vector<uint64_t>{4, 3, 2});
  CHECK(numbers(2, 9, View::Direction::older) == std::vector<uint64_t>{2, 1});
  CHECK(numbers(10, 9, View::Direction::newer) == std::vector<uint64_t>{10});
  CHECK(numbers(99, 2, View::Direction::older) == std::vector<uint64_t>{10, 9});
  CHECK(numbers(11, 2, View::Direction::newer).empty());
  CHECK(numbers(1, 0, View::Direction::newer).empty());
}

TEST_CASE_FIXTURE(Told, "a direct conversation is found from both sides") {
  const auto id = direct_id_of(7, 8);
  const auto row = view.direct(id);
  REQUIRE(row);
  CHECK(row->status() == v1::DIRECT_STATUS_OPEN);
  CHECK(row->requested_by() == 8);
  CHECK(row->head_number() == 1);
  CHECK(view.directs_of(7).size() == 1);
  CHECK(view.directs_of(8).at(0).direct_id() == id);
  CHECK(view.message(PartitionId::direct(id), 0, 1)->body() == "psst");
  commit(database, PartitionId::direct(id),
         {{"direct_changed { status: DIRECT_STATUS_BLOCKED requested_by: 8 blocked_by: 7 }"}});
  CHECK(view.direct(id)->blocked_by(0) == 7);
  CHECK(view.direct(id)->head_number() == 1);
}

TEST_CASE_FIXTURE(Told, "a command's answer is kept under actor and id") {
  const auto row = view.idempotency(club, 7, "0123456789abcdef");
  REQUIRE(row);
  CHECK(row->committed().first_seq() == 9);
  CHECK(row->committed().last_seq() == 9);
  CHECK(row->committed().object_id() == 1);
  CHECK(row->committed().stream().id() == 1);
  CHECK(row->request_kind() == 60);
  CHECK_FALSE(view.idempotency(club, 8, "0123456789abcdef"));
  CHECK_FALSE(view.idempotency(PartitionId::club(2), 7, "0123456789abcdef"));
}

TEST_CASE_FIXTURE(Told, "a commit of several events answers with the whole of it") {
  const auto committed = commit(
      database, club,
      {{"actor: 7 client_msg_id: 'aaaaaaaaaaaaaaaa' message_pinned { room_id: 1 number: 1 }"},
       {"actor: 7 client_msg_id: 'aaaaaaaaaaaaaaaa' message_posted { room_id: 1 number: 3 }"}},
      {.request_kind = 64, .object_id = 5, .numbers = {3}});
  const auto row = view.idempotency(club, 7, "aaaaaaaaaaaaaaaa");
  REQUIRE(row);
  CHECK(row->committed().SerializeAsString() == committed.SerializeAsString());
  CHECK(committed.last_seq() == committed.first_seq() + 1);
  CHECK(row->numbers(0) == 3);
}

TEST_CASE_FIXTURE(Told, "each imported message is answered by its own id") {
  commit(database, club,
         {{"actor: 7 client_msg_id: 'import-message-3' message_posted { room_id: 1 number: 3 "
           "imported_author: 'a' }"},
          {"actor: 7 client_msg_id: 'import-message-4' message_posted { room_id: 1 number: 4 "
           "imported_author: 'b' }"}},
         {.request_kind = 67, .numbers = {3, 4}});
  const auto third = view.idempotency(club, 7, "import-message-3");
  const auto fourth = view.idempotency(club, 7, "import-message-4");
  REQUIRE(third);
  REQUIRE(fourth);
  CHECK(third->committed().object_id() == 3);
  CHECK(fourth->committed().object_id() == 4);
  CHECK(fourth->committed().first_seq() == third->committed().first_seq() + 1);
}

TEST_CASE_FIXTURE(Told, "a deletion brings along what is left of every entry that said the words") {
  Batch batch(database);
  auto head = view.head(club);
  EventRun run;
  const auto add = [&](const std::string& said) {
    auto event = storage_test::text<v1::Event>(said);
    store::PrivatePart part;
    NewEntry entry{event, {kEveryFollower, 0}, part};
    append(batch, club, head, {&entry, 1}, {}, run);
    return head.seq();
  };
  const auto posted = add("actor: 7 message_posted { room_id: 1 number: 3 body: 'secret' }");
  const auto edited = add("actor: 7 message_edited { room_id: 1 number: 3 body: 'secret too' }");
  CHECK(run.redacted.empty());
  add("actor: 7 message_deleted { room_id: 1 number: 3 }");
  REQUIRE(run.redacted.size() == 2);
  CHECK(run.redacted[0].seq == edited);
  CHECK(run.redacted[1].seq == posted);
  for (const auto& redacted : run.redacted) {
    CHECK(redacted.framed.find("secret") == std::string::npos);
    std::string value;
    REQUIRE(View(batch).get(Family::log, key::log_entry(club, redacted.seq), value));
    CHECK(decode_entry(value)->public_bytes == redacted.framed);
  }
}

TEST_CASE_FIXTURE(Told, "an event of an unknown kind keeps its place and changes no row") {
  v1::Event event;
  REQUIRE(event.ParseFromString("\xfa\x3e\x01x"));  // field 1007, length 1
  store::PrivatePart part;
  NewEntry entry{event, {kEveryFollower, 0}, part};
  Batch batch(database);
  auto head = view.head(club);
  const auto before = head.seq();
  EventRun run;
  append(batch, club, head, {&entry, 1}, {}, run);
  database.write(batch);
  CHECK(view.head(club).seq() == before + 1);
  CHECK(read_log(view, club, before + 1).items.size() == 1);
}

TEST_CASE_FIXTURE(
    Told,
    "a batch is read over the database before it is written, and leaves no trace if it is not") {
  const auto before = view.head(club).seq();
  {
    Batch batch(database);
    commit(batch, club, {{"actor: 7 message_posted { room_id: 1 number: 3 body: 'third' }"}});
    commit(batch, club,
           {{"actor: 7 message_posted { room_id: 1 number: 4 body: 'fourth' }"},
            {"member_changed { member { account_id: 9 role: CLUB_ROLE_GUEST } }"}});
    const View over(batch);
    CHECK(over.head(club).seq() == before + 3);
    CHECK(over.room(1, 1)->head_number() == 4);
    CHECK(over.messages(club, 1, 2, 9, View::Direction::newer).size() == 3);
    CHECK(over.messages(club, 1, 9, 2, View::Direction::older).at(0).number() == 4);
    CHECK(over.members_of(1).size() == 3);
    CHECK(over.members_of(2).empty());
    CHECK(over.role_at(1, 9, ~0ull)->role() == v1::CLUB_ROLE_GUEST);
    CHECK(view.head(club).seq() == before);
    CHECK_FALSE(view.message(club, 1, 3));
  }
  CHECK(view.room(1, 1)->head_number() == 2);
}

TEST_CASE_FIXTURE(Told, "an appeal holds what was said, and waits where who may judge it looks") {
  const auto contested = view.sanction(club, 1);
  REQUIRE(contested->appeal().lines_size() == 2);
  CHECK(contested->appeal().state() == v1::APPEAL_STATE_OPEN);
  CHECK(contested->appeal().lines(1).author() == 9);
  CHECK(contested->appeal().lines(1).text() == "more words");
  const auto denied = view.sanction(club, 2);
  CHECK(denied->appeal().state() == v1::APPEAL_STATE_DENIED);
  CHECK(denied->appeal().decided_by() == 9);
  CHECK(denied->appeal().lines(1).text() == "no");
  REQUIRE(view.open_appeals(club).size() == 1);
  CHECK(view.open_appeals(club)[0].sanction().sanction_id() == 1);
  // A ban from the site at once, the club's from its deadline on.
  const auto at_once = view.overdue_appeals(30, 10);
  REQUIRE(at_once.size() == 1);
  CHECK(at_once[0].sanction().club_id() == 0);
  CHECK(view.overdue_appeals(69, 10).size() == 1);
  CHECK(view.overdue_appeals(70, 10).size() == 2);
  CHECK(view.overdue_appeals(70, 1).size() == 1);
  storage_test::commit(
      database, club,
      {{"time_ms: 60 actor: 9 appeal_decided { sanction_id: 1 account_id: 8 granted: true }"}});
  storage_test::commit(database, PartitionId::account(8),
                       {{"time_ms: 60 actor: 9 appeal_decided { sanction_id: 1 account_id: 8 }"}});
  CHECK(view.open_appeals(club).empty());
  CHECK(view.overdue_appeals(100, 10).empty());
}

TEST_CASE_FIXTURE(Told, "a snapshot stays as it was") {
  const Snapshot snapshot(database);
  storage_test::post(database, 3, 1);
  CHECK(View(snapshot).room(1, 1)->head_number() == 2);
  CHECK(View(snapshot).head(club).seq() + 1 == view.head(club).seq());
}

TEST_CASE("a view over a batch is the database with the changes, whatever they are, both ways") {
  const TempFolder folder;
  Database database(options_in(folder.path()));
  std::mt19937_64 chance(5);
  std::map<std::string, std::string> expected;
  const auto some_key = [&] { return "k" + std::to_string(chance() % 60); };
  for (int round = 0; round < 200; ++round) {
    Batch batch(database);
    auto over = expected;
    for (auto changes = chance() % 30; changes > 0; --changes) {
      const auto key = some_key();
      if (chance() % 3 == 0) {
        batch.erase(Family::state, key);
        over.erase(key);
      } else {
        const std::string value(chance() % 50, static_cast<char>('a' + chance() % 26));
        batch.put(Family::state, key, value);
        over[key] = value;
      }
    }
    const View view(batch);
    auto from = some_key();
    auto to = some_key();
    if (to < from) std::swap(from, to);
    std::map<std::string, std::string> seen;
    view.scan(Family::state, from, to, [&](std::string_view key, std::string_view value) {
      CHECK((seen.empty() || seen.rbegin()->first < key));
      seen.emplace(key, value);
      return true;
    });
    CHECK((seen == std::map(over.lower_bound(from), over.lower_bound(to))));
    seen.clear();
    view.scan_back(Family::state, to, from, [&](std::string_view key, std::string_view value) {
      CHECK((seen.empty() || seen.begin()->first > key));
      seen.emplace(key, value);
      return true;
    });
    CHECK((seen == std::map(over.lower_bound(from), over.upper_bound(to))));
    const auto one = some_key();
    std::string value;
    CHECK(view.get(Family::state, one, value) == over.contains(one));
    if (over.contains(one)) CHECK(value == over[one]);
    if (chance() % 2 == 0) {
      database.write(batch);
      expected = over;
    }
  }
}

TEST_CASE_FIXTURE(Told, "a row that does not parse is named") {
  Batch batch(database);
  batch.put(Family::state, key::room(1, 1), std::string_view("\xff\xff"));
  CHECK_THROWS_WITH_AS(View(batch).room(1, 1), "row does not parse: state R 1 1", Error);
}

}  // namespace amicale::storage
