// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The provable log as it is stored: which events are acts, what their records hold, and the tree over them, held against RFC 6962
// as the SDK checks it.
#include "storage/audit.h"

#include <set>

#include "amicale/client/audit.h"
#include "storage/log_reader.h"
#include "storage/rebuild.h"
#include "storage/signing_key.h"
#include "storage/verify.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

using storage_test::commit;
using storage_test::options_in;
using storage_test::post;
using storage_test::tell_everything;
using storage_test::TempFolder;

namespace {

const auto club = PartitionId::club(1);
constexpr size_t kAny = 1000;

struct Told {
  Told() : database(options_in(folder / "data")) { tell_everything(database); }

  // A member whose role changes at each call: one act.
  v1::Committed act(int n) {
    return commit(
        database, club,
        {{"actor: 7 time_ms: 60 member_changed { member { account_id: 8 display_name: "
          "'Bob " +
          std::to_string(n) +
          "' role: CLUB_ROLE_MEMBER status: MEMBER_STATUS_ACTIVE } reason: 'because' }"}});
  }
  v1::AuditRecord last() const { return *audit_record(view, club, audit_size(view, club)); }
  v1::AuditHead head(uint64_t size) const {
    auto made = audit_head(view, club, size, database.epoch());
    key.sign(made);
    return made;
  }
  v1::ProvenRecord proven(uint64_t number, uint64_t size) const {
    v1::ProvenRecord made;
    *made.mutable_record() = *audit_record(view, club, number);
    *made.mutable_opening() = audit_opening(view, made.record());
    for (auto& hash : audit_path(view, club, number, size)) made.add_path(hash);
    return made;
  }

  TempFolder folder;
  Database database;
  View view{database};
  SigningKey key = SigningKey::load_or_create(folder.path(), 1);
};

}  // namespace

TEST_CASE("every kind of event is either an act or not, and somebody said which") {
  const auto* oneof = v1::Event::descriptor()->FindOneofByName("body");
  int acts = 0;
  for (int i = 0; i < oneof->field_count(); ++i) {
    const auto kind = static_cast<v1::Event::BodyCase>(oneof->field(i)->number());
    const auto judged = audited(kind);
    CHECK_MESSAGE(judged, oneof->field(i)->name(), " is in no row of the table in audit.cc");
    acts += static_cast<int>(judged && *judged != Audited::never);
  }
  CHECK(acts >= 30);
}

TEST_CASE_FIXTURE(Told,
                  "every privileged change has exactly one record, and nothing else has one") {
  for (const auto partition : view.partitions()) {
    std::set<uint64_t> expected;
    walk_log(view, partition, [&](const FullEntry& full) {
      v1::Event event;
      const auto bytes = unframe_event(full.entry.public_bytes);
      REQUIRE(event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
      const bool kept_order =
          partition.kind == v1::STREAM_KIND_CLUB || partition.kind == v1::STREAM_KIND_SITE;
      bool own = false;
      if (event.has_message_deleted()) {
        own = event.actor() == view.message(partition, event.message_deleted().room_id(),
                                            event.message_deleted().number())
                                   ->author();
      } else if (event.has_appeal_said()) {
        own = event.actor() == event.appeal_said().account_id();
      }
      if (kept_order && *audited(event.body_case()) != Audited::never && !own) {
        expected.insert(event.seq());
      }
      return true;
    });
    std::set<uint64_t> found;
    for (const auto number : audit_numbers(view, partition, 0, 0, kAny)) {
      const auto record = audit_record(view, partition, number);
      REQUIRE(record);
      CHECK(record->number() == number);
      CHECK(found.insert(record->seq()).second);
    }
    CHECK_MESSAGE(found == expected, to_string(partition));
  }
  CHECK(audit_size(view, club) > 5);
  CHECK(audit_size(view, PartitionId::account(7)) == 0);
}

TEST_CASE_FIXTURE(Told,
                  "what members say, edit and react leaves no record and no row of the tree") {
  const auto before = audit_size(view, club);
  post(database, 3, 10);
  commit(database, club,
         {{"actor: 7 message_edited { room_id: 1 number: 3 body: 'better' }"},
          {"actor: 8 reaction_changed { room_id: 1 number: 3 emoji: 'x' added: true }"}});
  CHECK(audit_size(view, club) == before);
}

TEST_CASE_FIXTURE(Told,
                  "a deletion of one's own words is no act; of another's it is, and names whose") {
  post(database, 3, 2);
  const auto before = audit_size(view, club);
  commit(database, club, {{"actor: 7 message_deleted { room_id: 1 number: 3 }"}});
  CHECK(audit_size(view, club) == before);
  commit(database, club, {{"actor: 8 message_deleted { room_id: 1 number: 4 }"}});
  REQUIRE(audit_size(view, club) == before + 1);
  const auto opening = audit_opening(view, last());
  CHECK(opening.actor() == 8);
  CHECK(opening.subject() == 7);
  CHECK(audit_numbers(view, club, 7, before, kAny) == std::vector{before + 1});
}

TEST_CASE_FIXTURE(Told, "every act of moderation names whose case it is, and a report nobody's") {
  const auto subject_of_last = [&](const char* event) {
    const auto before = audit_size(view, club);
    commit(database, club, {{event}});
    REQUIRE(audit_size(view, club) == before + 1);
    return audit_opening(view, last()).subject();
  };
  CHECK(subject_of_last("actor: 7 sanction_imposed { sanction { sanction_id: 9 club_id: 1 "
                        "account_id: 8 kind: SANCTION_KIND_MUTE until_ms: 100 text: 'calm' } }") ==
        8);
  CHECK(subject_of_last(
            "sanction_ended { sanction_id: 9 account_id: 8 end: SANCTION_END_LAPSED }") == 8);
  CHECK(last().automatic());
  CHECK(subject_of_last("actor: 7 messages_removed { removal { removal_id: 2 account_id: 8 } }") ==
        8);
  CHECK(subject_of_last("actor: 7 removal_undone { removal_id: 2 }") == 8);
  CHECK(subject_of_last("actor: 7 message_locked { room_id: 1 number: 2 locked: true }") == 8);
  CHECK(subject_of_last("actor: 9 report_claimed { report_id: 1 account_id: 9 until_ms: 99 }") ==
        0);
  CHECK(subject_of_last("actor: 9 report_resolved { report_id: 1 state: REPORT_STATE_ACTED }") ==
        0);
}

TEST_CASE_FIXTURE(
    Told, "who contests a sanction does not act; who answers and decides does, without the words") {
  const auto before = audit_size(view, club);
  commit(database, club,
         {{"actor: 8 appeal_said { sanction_id: 1 account_id: 8 text: 'my words' due_ms: 70 }"}});
  CHECK(audit_size(view, club) == before);
  commit(database, club,
         {{"actor: 9 appeal_said { sanction_id: 1 account_id: 8 text: 'our words' due_ms: 70 }"}});
  REQUIRE(audit_size(view, club) == before + 1);
  CHECK(audit_opening(view, last()).subject() == 8);
  CHECK(audit_opening(view, last()).details().find("words") == std::string::npos);
  commit(database, club,
         {{"actor: 9 appeal_decided { sanction_id: 1 account_id: 8 granted: true text: 'yes' }"}});
  REQUIRE(audit_size(view, club) == before + 2);
  CHECK(audit_opening(view, last()).subject() == 8);

  const auto site = PartitionId::site();
  const auto of_site = audit_size(view, site);
  commit(database, site,
         {{"actor: 8 appeal_noticed { sanction_id: 1 account_id: 8 state: APPEAL_STATE_OPEN }"}});
  CHECK(audit_size(view, site) == of_site);
  commit(database, site,
         {{"actor: 7 appeal_noticed { sanction_id: 1 account_id: 8 state: APPEAL_STATE_DENIED }"}});
  CHECK(audit_size(view, site) == of_site + 1);
}

TEST_CASE_FIXTURE(Told, "who reports leaves no record, neither under their name nor without it") {
  const auto before = audit_size(view, club);
  commit(database, club,
         {{"report_filed { report_id: 3 }", "hidden_actor: 7 filing { account_id: 8 weight: 2 }"}});
  CHECK(audit_size(view, club) == before);
  for (const auto number : audit_numbers(view, club, 0, 0, kAny)) {
    CHECK(audit_record(view, club, number)->act() != v1::Event::kReportFiledFieldNumber);
  }
}

TEST_CASE_FIXTURE(Told, "no record holds the words of a message, also when they come back") {
  commit(database, club,
         {{"actor: 7 message_restored { room_id: 1 number: 2 body: 'third words' "
           "mentions { accounts: 7 } }"}});
  const auto number = audit_size(view, club);
  CHECK(audit_opening(view, last()).subject() == 8);
  for (const auto each : audit_numbers(view, club, 0, 0, kAny)) {
    const auto opening = audit_opening(view, *audit_record(view, club, each));
    CHECK(opening.details().find("words") == std::string::npos);
  }
  // So the words may go again, and the record stays what it was.
  const auto record = last();
  const auto known = audit_opening(view, record);
  v1::Event left =
      storage_test::text<v1::Event>("actor: 7 message_restored { room_id: 1 number: 2 }");
  left.set_seq(record.seq());
  Batch batch(database);
  conceal(batch, club, number, {}, left);
  database.write(batch);
  CHECK(audit_opening(view, record).details() == known.details());
  rebuild(database);
  CHECK(audit_record(view, club, number)->SerializeAsString() == record.SerializeAsString());
}

TEST_CASE_FIXTURE(Told,
                  "a ban from the site is recorded once, in the site's log, about the banned") {
  const auto site = PartitionId::site();
  const auto before = audit_size(view, site);
  const char* notice =
      "actor: 7 sanction_noticed { sanction { sanction_id: 1 account_id: 8 "
      "kind: SANCTION_KIND_BAN } }";
  commit(database, PartitionId::account(8), {{notice}});
  CHECK(audit_size(view, PartitionId::account(8)) == 0);
  commit(database, site, {{notice}});
  REQUIRE(audit_size(view, site) == before + 1);
  CHECK(audit_opening(view, *audit_record(view, site, before + 1)).subject() == 8);
}

TEST_CASE_FIXTURE(Told, "a held message has a record without its words, which outlives them") {
  const auto before = audit_size(view, club);
  const auto held =
      commit(database, club,
             {{"actor: 8 time_ms: 70 message_held { held_id: 1 room_id: 1 "
               "body: 'words that wait' mentions { accounts: 7 } }"},
              {"actor: 8 time_ms: 70 member_quieted { account_id: 8 until_ms: 99 }"}});
  REQUIRE(audit_size(view, club) == before + 2);
  for (const auto number : {before + 1, before + 2}) {
    const auto record = *audit_record(view, club, number);
    CHECK(record.automatic());
    const auto opening = audit_opening(view, record);
    CHECK(opening.actor() == 0);
    CHECK(opening.subject() == 8);
    CHECK(opening.details().find("words") == opening.details().npos);
  }
  commit(database, club,
         {{"actor: 7 time_ms: 71 message_posted { room_id: 1 number: 3 author: 8 "
           "body: 'words that wait' }",
           "held_seq: " + std::to_string(held.first_seq())},
          {"actor: 7 time_ms: 71 held_reviewed { held_id: 1 released: true author: 8 }"}});
  REQUIRE(audit_size(view, club) == before + 3);
  CHECK_FALSE(last().automatic());
  CHECK(audit_opening(view, last()).actor() == 7);
  CHECK(audit_opening(view, last()).subject() == 8);

  // Its author takes it back: no act, and the words are nowhere, also not where they waited.
  const auto size = audit_size(view, club);
  const auto shown = head(size);
  commit(database, club, {{"actor: 8 time_ms: 72 message_deleted { room_id: 1 number: 3 }"}});
  CHECK(audit_size(view, club) == size);
  std::string entry;
  REQUIRE(view.get(Family::log, key::log_entry(club, held.first_seq()), entry));
  CHECK(entry.find("words") == entry.npos);
  CHECK(view.held(1, 1)->body().empty());
  const auto record = *audit_record(view, club, before + 1);
  CHECK(audit_opening(view, record).subject() == 8);
  CHECK_FALSE(client::check_record(shown, proven(before + 1, size)));
  rebuild(database);
  CHECK(client::same_head(head(size), shown));
  CHECK_FALSE(client::check_record(shown, proven(before + 1, size)));
  CHECK(verify(database).problems == std::vector<std::string>{});
}

TEST_CASE_FIXTURE(
    Told, "a record is chained, names the log's hash at its seq, and says what is automatic") {
  const auto committed = act(1);
  const auto record = last();
  CHECK(record.seq() == committed.last_seq());
  CHECK(record.act() == v1::Event::kMemberChangedFieldNumber);
  CHECK_FALSE(record.automatic());
  CHECK(record.entry_hash() == view.head(club).hash());
  const auto before = audit_record(view, club, record.number() - 1);
  CHECK(record.previous() == bytes_of(leaf_of(*before)));
  CHECK(audit_record(view, club, 1)->previous() == std::string(32, '\0'));
  commit(database, club, {{"room_changed { room { room_id: 1 name: 'Closed' archived: true } }"}});
  CHECK(last().automatic());
  v1::Event details;
  REQUIRE(details.ParseFromString(audit_opening(view, last()).details()));
  CHECK(details.room_changed().room().name() == "Closed");
}

TEST_CASE_FIXTURE(Told, "two records of the same act by the same person have nothing in common") {
  act(1);
  const auto one = last();
  act(1);
  const auto other = last();
  CHECK(one.actor() != other.actor());
  CHECK(one.subject() != other.subject());
  CHECK(one.details() != other.details());
}

TEST_CASE_FIXTURE(Told,
                  "every record is proved in the tree of every later size, and the SDK agrees") {
  while (audit_size(view, club) < 70) act(static_cast<int>(audit_size(view, club)));
  for (uint64_t size = 1; size <= 70; ++size) {
    const auto at = head(size);
    REQUIRE(client::is_signed(at));
    for (uint64_t number = 1; number <= size; ++number) {
      const auto record = proven(number, size);
      REQUIRE_FALSE(client::check_record(at, record));
      CHECK(record.path_size() <= 7);
    }
  }
}

TEST_CASE_FIXTURE(
    Told, "every size is proved to be the beginning of every later one, and of no other log") {
  while (audit_size(view, club) < 70) act(static_cast<int>(audit_size(view, club)));
  for (uint64_t from = 1; from <= 70; ++from) {
    for (uint64_t to = from; to <= 70; ++to) {
      const auto path = audit_consistency(view, club, from, to);
      REQUIRE(client::is_consistent(head(from), head(to), path));
      CHECK(path.size() <= 8);
      auto other = head(from);
      other.mutable_root()->at(from % 32) ^= 1;
      CHECK_FALSE(client::is_consistent(other, head(to), path));
    }
  }
}

TEST_CASE_FIXTURE(Told,
                  "records and tree are rows like others: rebuilt alike, and missed by verify") {
  for (int i = 0; i < 20; ++i) act(i);
  const auto before = head(audit_size(view, club));
  CHECK(verify(database).problems == std::vector<std::string>{});
  rebuild(database);
  CHECK(client::same_head(head(audit_size(view, club)), before));
  {
    Batch batch(database);
    auto record = *audit_record(view, club, 3);
    record.set_time_ms(1);
    batch.put(Family::state, key::audit_record(club, 3), record);
    batch.erase(Family::state, key::audit_node(club, 1, 2));
    batch.erase(Family::state, key::audit_subject(club, 8, audit_size(view, club)));
    database.write(batch);
  }
  const auto problems = verify(database).problems;
  REQUIRE(problems.size() == 3);
  CHECK(problems[0] == "row differs from its log: state audit record 3 of club/1");
  CHECK(problems[1] == "row is missing: state audit node 1/2 of club/1");
  CHECK(problems[2].starts_with("row is missing: state audit of account 8, record "));
}

TEST_CASE_FIXTURE(
    Told,
    "erasing a person changes no record, no root and no proof, and can't be undone by trying") {
  act(1);
  act(2);
  const uint64_t number = audit_size(view, club) - 1;
  const uint64_t size = audit_size(view, club);
  const auto record = *audit_record(view, club, number);
  const auto known = audit_opening(view, record);
  const auto before = head(size);
  const auto hash = view.head(club).hash();

  v1::Event left = storage_test::text<v1::Event>(
      "time_ms: 60 member_changed { member { account_id: 8 role: CLUB_ROLE_MEMBER "
      "status: MEMBER_STATUS_ACTIVE } }");
  left.set_seq(record.seq());
  Batch batch(database);
  conceal(batch, club, number, {.actor = true, .details = true}, left);
  database.write(batch);

  auto opening = audit_opening(view, record);
  CHECK(opening.actor_salt().empty());
  CHECK(opening.actor() == 0);
  CHECK(opening.details_salt().empty());
  CHECK(opening.details().empty());
  CHECK(opening.subject() == 8);
  CHECK_FALSE(opening.subject_salt().empty());
  // The salt is nowhere any more: the whole entry does not hold it.
  std::string entry;
  REQUIRE(view.get(Family::log, key::log_entry(club, record.seq()), entry));
  CHECK(entry.find(known.actor_salt()) == entry.npos);
  CHECK(entry.find(known.details_salt()) == entry.npos);
  CHECK(entry.find("because") == entry.npos);

  CHECK(view.head(club).hash() == hash);
  rebuild(database);
  CHECK(client::same_head(head(size), before));
  CHECK(audit_record(view, club, number)->SerializeAsString() == record.SerializeAsString());
  CHECK_FALSE(client::check_record(before, proven(number, size)));
  CHECK(verify(database).problems == std::vector<std::string>{});

  // Then the other side of it too.
  left.mutable_member_changed()->mutable_member()->set_account_id(9);
  Batch second(database);
  conceal(second, club, number, {.actor = true, .subject = true, .details = true}, left);
  database.write(second);
  CHECK(audit_numbers(view, club, 8, number - 1, 1) == std::vector{number + 1});
  CHECK(audit_numbers(view, club, 9, 0, kAny).empty());
  rebuild(database);
  CHECK(client::same_head(head(size), before));
  CHECK(audit_opening(view, record).subject_salt().empty());
}

TEST_CASE_FIXTURE(Told, "what was not concealed can't be taken away under a record") {
  act(1);
  const uint64_t number = audit_size(view, club);
  v1::Event left = storage_test::text<v1::Event>(
      "time_ms: 60 actor: 7 member_changed { member { account_id: 8 } }");
  left.set_seq(last().seq());
  Batch batch(database);
  CHECK_THROWS_AS(conceal(batch, club, number, {.actor = true}, left), Error);
  CHECK_THROWS_AS(conceal(batch, club, number + 1, {.actor = true}, left), Error);
  CHECK(batch.empty());
}

}  // namespace amicale::storage
