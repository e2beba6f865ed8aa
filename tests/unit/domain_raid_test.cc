// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/raid.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain_world.h"
#include "server/domain/limits.h"
#include "server/domain/removal.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t day = 86'400'000;
constexpr Watch watching{.joins_per_minute = limits::raid_joins_per_minute};
// As many letters as are needed to tell.
const std::string spam = "Gagnez des cadeaux magnifiques sur notre nouvelle page";

// A club whose six members came long ago, and a clock that is moved by hand.
struct Raid : World {
  std::int64_t time = now_ms + 30 * day;
  v1::Invitation link;
  std::uint64_t hall = room(v1::ROOM_ACCESS_ALL).room_id;
  std::uint64_t head = 0;

  Raid() {
    link.set_invitation_id(1);
    link.set_club_id(club.id());
    link.set_role(v1::CLUB_ROLE_MEMBER);
    link.set_max_uses(100'000);
    link.set_expires_ms(time + 365 * day);
    link.set_created_by(v1::CLUB_ROLE_COMMITTEE);
  }

  // As the partition does: with the time, and with who asked unless it is the server's own.
  Decision commit(Result<Decision> result, std::uint64_t by) {
    if (!result) FAIL(result.error().rule_id, " ", static_cast<int>(result.error().code));
    for (Decided& decided : result->events) {
      decided.event.set_time_ms(time);
      if (!decided.automatic) decided.event.set_actor(by);
      if (decided.event.has_member_changed()) {
        const v1::Member& member = decided.event.member_changed().member();
        rows[member.account_id()] = member;
      }
      if (decided.event.has_message_posted()) head = decided.event.message_posted().number();
    }
    fold(club, *result);
    return *std::move(result);
  }

  Actor who(std::uint64_t account) const {
    return actor_in(club, account, v1::SITE_ROLE_NONE, time);
  }

  Result<Decision> arriving(std::uint64_t account, const Watch& watch = watching) {
    row_.mutable_invitation()->CopyFrom(link);
    const v1::Member* before = row(account);
    return use_invitation(club,
                          {.invitation = &row_,
                           .member = before,
                           .account_id = account,
                           .display_name = "Arrivant",
                           .watch = watch},
                          time);
  }
  Decision arrive(std::uint64_t account, const Watch& watch = watching) {
    return commit(arriving(account, watch), account);
  }

  Result<Decision> posting(std::uint64_t account, const std::string& body,
                           const Watch& watch = watching) const {
    v1::PostMessage request;
    request.set_room_id(hall);
    request.set_body(body);
    return post_message({.club = &club}, request, who(account), {.watch = watch});
  }
  Decision post(std::uint64_t account, const std::string& body, const Watch& watch = watching) {
    return commit(posting(account, body, watch), account);
  }

  Decision start(std::uint32_t seconds = 0) {
    v1::StartRaidMode request;
    request.set_duration_s(seconds);
    return commit(start_raid_mode(club, request, who(v1::CLUB_ROLE_COMMITTEE)),
                  v1::CLUB_ROLE_COMMITTEE);
  }
  Decision end() {
    return commit(end_raid_mode(club, v1::EndRaidMode{}, who(v1::CLUB_ROLE_COMMITTEE)),
                  v1::CLUB_ROLE_COMMITTEE);
  }

 private:
  store::InvitationRow row_;
};

const v1::RaidMode* started_in(const Decision& decision) {
  for (const Decided& decided : decision.events) {
    if (decided.event.has_raid_mode_started()) return &decided.event.raid_mode_started().raid();
  }
  return nullptr;
}

TEST_CASE("the committee starts, prolongs and ends raid mode, and the whole club is told") {
  Raid raid;
  const auto started = raid.start();
  REQUIRE(started.events.size() == 1);
  CHECK(started.events[0].audience.roles() == all_roles);
  const v1::RaidMode& mode = started.events[0].event.raid_mode_started().raid();
  CHECK(mode.trigger() == v1::RAID_TRIGGER_BY_HAND);
  CHECK(mode.until_ms() == raid.time + limits::raid_default_s * 1'000ll);
  CHECK(mode.newcomers_since_ms() == raid.time - day);
  CHECK(mode.started_by() == v1::CLUB_ROLE_COMMITTEE);
  raid.time += minute;
  const auto prolonged = raid.start(3'600);
  REQUIRE(prolonged.events.size() == 1);
  CHECK(prolonged.object_id == mode.raid_id());
  CHECK(prolonged.events[0].event.raid_mode_prolonged().until_ms() == raid.time + 3'600'000);
  CHECK(raid.club.in_raid_mode(raid.time + 3'599'999));
  CHECK_FALSE(raid.club.in_raid_mode(raid.time + 3'600'000));
  const auto ended = raid.end();
  CHECK(ended.events[0].event.raid_mode_ended().end() == v1::RAID_END_LIFTED);
  CHECK_FALSE(raid.club.in_raid_mode(raid.time));
  CHECK(rule_of(end_raid_mode(raid.club, v1::EndRaidMode{}, raid.who(v1::CLUB_ROLE_COMMITTEE))) ==
        "raid.none");
}

TEST_CASE("below the committee nobody starts or ends raid mode, and it has its bounds") {
  Raid raid;
  v1::StartRaidMode request;
  for (const auto role : {v1::CLUB_ROLE_GUEST, v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_SPONSOR}) {
    CHECK(code_of(start_raid_mode(raid.club, request, raid.who(role))) ==
          v1::REFUSAL_CODE_FORBIDDEN);
    CHECK(code_of(end_raid_mode(raid.club, v1::EndRaidMode{}, raid.who(role))) ==
          v1::REFUSAL_CODE_FORBIDDEN);
  }
  CHECK(code_of(start_raid_mode(raid.club, request, raid.who(outsider))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  const auto staff = actor_in(raid.club, outsider, v1::SITE_ROLE_STAFF, raid.time);
  CHECK(start_raid_mode(raid.club, request, staff));
  request.set_duration_s(limits::raid_min_s - 1);
  CHECK(rule_of(start_raid_mode(raid.club, request, staff)) == "raid.duration");
  request.set_duration_s(limits::raid_max_s + 1);
  CHECK(code_of(start_raid_mode(raid.club, request, staff)) == v1::REFUSAL_CODE_TOO_LARGE);
  request.set_duration_s(limits::raid_max_s);
  CHECK(start_raid_mode(raid.club, request, staff));
}

TEST_CASE("while it lasts, newcomers change nothing that others see, and everybody else does") {
  Raid raid;
  raid.arrive(50, {});  // a day and more before
  raid.time += day + 1;
  raid.arrive(51, {});  // less than a day before
  raid.time += minute;
  raid.start();
  const auto held = [&](std::uint64_t account) {
    std::vector<std::string> actions;
    for (const Permission& row : permissions) {
      Scope scope;
      if (row.ground != Ground::club) scope.room = raid.club.find_room(raid.hall);
      if (row.ground == Ground::site || row.ground == Ground::self) continue;
      if (code_of(may(raid.who(account), row.action, scope)) == v1::REFUSAL_CODE_RAID_MODE) {
        actions.emplace_back(row.rule_id);
        CHECK(row.hold == Hold::held);
      }
    }
    return actions;
  };
  CHECK(held(50).empty());
  for (int role = v1::CLUB_ROLE_GUEST; role <= v1::ClubRole_MAX; ++role) {
    CHECK(held(static_cast<std::uint64_t>(role)).empty());
  }
  const auto actions = held(51);
  for (const auto* action : {"may.post_message", "may.edit_own", "may.delete_own", "may.react",
                             "may.invite", "may.signal_typing", "may.mention_committee"}) {
    CHECK_MESSAGE(std::ranges::count(actions, action) == 1, action);
  }
  const auto refused = raid.posting(51, "bonjour");
  REQUIRE(code_of(refused) == v1::REFUSAL_CODE_RAID_MODE);
  CHECK(refused.error().until_ms == raid.club.raid().until_ms());
  CHECK(refused.error().retry_after_ms == limits::raid_default_s * 1'000);
  // A name that is changed elsewhere does not come in here meanwhile.
  CHECK(rename_member(*raid.row(51), "Autre", raid.who(51)).events.empty());
  CHECK(rename_member(*raid.row(50), "Autre", raid.who(50)).events.size() == 1);
  // By the clock, without any event.
  raid.time = raid.club.raid().until_ms();
  CHECK(raid.posting(51, "bonjour"));
  const auto lapsed = lapse_raid_mode(raid.club, raid.time);
  REQUIRE(lapsed.events.size() == 1);
  CHECK(lapsed.events[0].event.raid_mode_ended().end() == v1::RAID_END_LAPSED);
  CHECK(lapse_raid_mode(raid.club, raid.time - 1).events.empty());
}

TEST_CASE("whoever is of the committee is held back by no raid mode, however new they are") {
  Raid raid;
  raid.link.set_role(v1::CLUB_ROLE_COMMITTEE);
  raid.link.set_created_by(v1::CLUB_ROLE_PRESIDENT);
  raid.arrive(50, {});
  raid.start();
  CHECK(raid.posting(50, "bonjour"));
  CHECK(end_raid_mode(raid.club, v1::EndRaidMode{}, raid.who(50)));
}

TEST_CASE("invitations are neither made nor let anybody in, and the waiting list stays open") {
  Raid raid;
  raid.start();
  v1::CreateInvitation request;
  request.set_role(v1::CLUB_ROLE_MEMBER);
  for (const auto role : {v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_PRESIDENT}) {
    const auto refused = create_invitation(raid.club, {}, request, raid.who(role), raid.time);
    CHECK(rule_of(refused) == "raid.invitations");
    CHECK(code_of(refused) == v1::REFUSAL_CODE_RAID_MODE);
  }
  // Whether one may at all comes first.
  CHECK(code_of(create_invitation(raid.club, {}, request, raid.who(outsider), raid.time)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(rule_of(raid.arriving(50)) == "raid.invitations");
  raid.link.set_needs_decision(true);
  raid.arrive(50);
  CHECK(raid.row(50)->status() == v1::MEMBER_STATUS_OPTED_IN);
  raid.link.set_needs_decision(false);
  raid.end();
  raid.arrive(51);
  CHECK(raid.row(51)->status() == v1::MEMBER_STATUS_ACTIVE);
}

TEST_CASE("more arrivals in a minute than ten start raid mode, in the name of nobody") {
  Raid raid;
  std::uint64_t account = 100;
  for (std::uint32_t i = 0; i < limits::raid_joins_per_minute; ++i, raid.time += 1'000) {
    CHECK(started_in(raid.arrive(account++)) == nullptr);
  }
  const auto decision = raid.arrive(account);
  const v1::RaidMode* mode = started_in(decision);
  REQUIRE(mode != nullptr);
  CHECK(mode->trigger() == v1::RAID_TRIGGER_JOIN_RATE);
  CHECK(mode->count() == limits::raid_joins_per_minute + 1);
  CHECK(mode->bound() == limits::raid_joins_per_minute);
  CHECK(decision.events.back().automatic);
  CHECK(decision.events.back().event.actor() == 0);
  // The last one is in, and held back with the others.
  CHECK(raid.row(account)->status() == v1::MEMBER_STATUS_ACTIVE);
  CHECK(code_of(raid.posting(account, "bonjour")) == v1::REFUSAL_CODE_RAID_MODE);
  CHECK(code_of(raid.posting(100, "bonjour")) == v1::REFUSAL_CODE_RAID_MODE);
  CHECK(raid.posting(v1::CLUB_ROLE_MEMBER, "bonjour"));
  CHECK(code_of(raid.arriving(account + 1)) == v1::REFUSAL_CODE_RAID_MODE);
}

TEST_CASE("arrivals a minute apart, coming back, and a server that does not watch start nothing") {
  Raid slow;
  for (std::uint64_t account = 100; account < 130; ++account, slow.time += 7'000) {
    CHECK(started_in(slow.arrive(account)) == nullptr);
  }
  Raid unwatched;
  for (std::uint64_t account = 100; account < 130; ++account) unwatched.arrive(account, {});
  CHECK(unwatched.club.raid().raid_id() == 0);
  Raid off;
  v1::ChangeClub change;
  change.set_watch_off(true);
  off.commit(change_club(off.club, change, off.who(v1::CLUB_ROLE_PRESIDENT)), 5);
  for (std::uint64_t account = 100; account < 130; ++account) off.arrive(account);
  CHECK(off.club.raid().raid_id() == 0);
  // One person who comes and goes is one arrival.
  Raid wavering;
  for (int i = 0; i < 30; ++i) {
    wavering.arrive(100);
    wavering.put(100, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_LEFT);
  }
  CHECK(wavering.club.raid().raid_id() == 0);
  CHECK(wavering.club.arrivals().size() == 1);
}

TEST_CASE("a club to which many come regularly is in raid mode at five times that only") {
  std::vector<Arrival> arrivals;
  constexpr std::int64_t at = now_ms;
  std::uint64_t account = 1;
  // Six in each of the sixty minutes before this one.
  for (std::int64_t ago = 60; ago > 0; --ago) {
    for (int i = 0; i < 6; ++i) arrivals.push_back({at - ago * minute - 1'000 * i, account++});
  }
  std::ranges::sort(arrivals);
  const JoinRate rate = join_rate(arrivals, 0, at);
  CHECK(rate.last_minute == 0);
  CHECK(rate.usual_thousandths > 5'900);
  CHECK(rate.usual_thousandths <= 6'000);
  CHECK(join_rate({}, 0, at).usual_thousandths == 0);
  // What came later than now, after a clock went back, is not counted; nor is who is left out.
  const std::vector<Arrival> two{{at - 1, 7}, {at + 1, 8}};
  CHECK(join_rate(two, 0, at).last_minute == 1);
  CHECK(join_rate(two, 7, at).last_minute == 0);

  Raid raid;
  for (int i = 0; i < 60; ++i, raid.time += minute) {
    for (int j = 0; j < 6; ++j) raid.arrive(account++);
  }
  REQUIRE(raid.club.raid().raid_id() == 0);
  for (int i = 0; i < 25; ++i) CHECK(started_in(raid.arrive(account++)) == nullptr);
  for (int i = 0; i < 10; ++i, ++account) {
    if (const auto came = raid.arriving(account)) raid.commit(came, account);
  }
  CHECK(raid.club.raid().trigger() == v1::RAID_TRIGGER_JOIN_RATE);
  CHECK(raid.club.raid().bound() > 25);
}

TEST_CASE("who ended raid mode has looked: it does not begin by itself again for a while") {
  Raid raid;
  std::uint64_t account = 100;
  const auto crowd = [&] {
    for (int i = 0; i < 20 && !raid.club.in_raid_mode(raid.time); ++i) raid.arrive(account++);
    return raid.club.in_raid_mode(raid.time);
  };
  REQUIRE(crowd());
  raid.end();
  CHECK_FALSE(crowd());
  raid.time += limits::raid_quiet_ms;
  CHECK(crowd());
  // One that lapsed was looked at by nobody.
  raid.time = raid.club.raid().until_ms() + 1;
  CHECK(crowd());
  CHECK(raid.club.raid().raid_id() == 3);
}

TEST_CASE("ten posts alike by five accounts that have just come start raid mode") {
  Raid raid;
  for (std::uint64_t account = 100; account < 105; ++account, raid.time += 7 * minute) {
    raid.arrive(account);
  }
  for (int i = 0; i < 9; ++i) {
    const auto decision = raid.post(100 + static_cast<std::uint64_t>(i % 5),
                                    spam + (i % 2 == 0 ? " !!! " : " ... ") + std::to_string(i));
    CHECK(started_in(decision) == nullptr);
    raid.time += 1'000;
  }
  const auto decision = raid.post(104, "GAGNEZ des CADEAUX magnifiques, sur notre nouvelle page 9");
  const v1::RaidMode* mode = started_in(decision);
  REQUIRE(mode != nullptr);
  CHECK(decision.object_id == raid.head);
  CHECK(decision.events[0].event.has_message_posted());
  CHECK(mode->trigger() == v1::RAID_TRIGGER_SIMILARITY);
  CHECK(mode->count() == 10);
  CHECK(mode->authors() == 5);
  CHECK(decision.events.back().event.actor() == 0);
  CHECK(code_of(raid.posting(100, "autre chose")) == v1::REFUSAL_CODE_RAID_MODE);
}

TEST_CASE(
    "posts alike are no raid by few, by older members, over minutes, when short, or unwatched") {
  const auto tried = [](int accounts, std::int64_t pause, const std::string& body, std::int64_t age,
                        const Watch& watch) {
    Raid raid;
    for (int i = 0; i < accounts; ++i) raid.arrive(100 + static_cast<std::uint64_t>(i), {});
    raid.time += age;
    for (int i = 0; i < 12; ++i, raid.time += pause) {
      const auto who = 100 + static_cast<std::uint64_t>(i % accounts);
      if (!raid.posting(who, body, watch)) return true;
      raid.post(who, body, watch);
    }
    return raid.club.raid().raid_id() != 0;
  };
  CHECK(tried(5, 1'000, spam, 0, watching));
  CHECK_FALSE(tried(4, 1'000, spam, 0, watching));
  CHECK_FALSE(tried(5, 7'000, spam, 0, watching));
  CHECK_FALSE(tried(5, 1'000, "Bonjour à tous !", 0, watching));
  CHECK_FALSE(tried(5, 1'000, spam, limits::raid_young_ms + 1, watching));
  CHECK_FALSE(tried(5, 1'000, spam, 0, {}));
}

TEST_CASE("of texts that anti-spam finds alike, those of the last minute by newcomers count") {
  Raid raid;
  raid.arrive(100, {});
  raid.arrive(101, {});
  using Said = antispam::RecentTexts::Said;
  const std::vector<Said> alike{{.author = 101, .time_ms = raid.time},
                                {.author = 101, .time_ms = raid.time - 1'000},
                                {.author = 101, .time_ms = raid.time - limits::raid_similar_ms},
                                {.author = 2, .time_ms = raid.time},
                                {.author = 999, .time_ms = raid.time}};
  const Cluster cluster = find_cluster(raid.club, alike, raid.who(100));
  CHECK(cluster.posts == 3);
  CHECK(cluster.authors == 2);
  CHECK(find_cluster(raid.club, alike, raid.who(2)).posts == 0);
}

TEST_CASE("who compares texts better gives the cluster, and is believed") {
  Raid raid;
  v1::PostMessage request;
  request.set_room_id(raid.hall);
  request.set_body("peu importe");
  const auto with = [&](Cluster cluster) {
    return started_in(*post_message({.club = &raid.club}, request, raid.who(2),
                                    {.watch = watching, .cluster = cluster})) != nullptr;
  };
  CHECK(with({.posts = 10, .authors = 5}));
  CHECK_FALSE(with({.posts = 9, .authors = 5}));
  CHECK_FALSE(with({.posts = 10, .authors = 4}));
}

TEST_CASE("a text without variety is known by its letters where a sketch finds nobody") {
  Raid raid;
  const std::string shout(40, 'a');
  for (std::uint64_t account = 100; account < 105; ++account) raid.arrive(account, {});
  for (std::uint64_t i = 0; i < 9; ++i) raid.post(100 + i % 5, shout, {});
  v1::PostMessage request;
  request.set_room_id(raid.hall);
  request.set_body(shout);
  const auto decision =
      post_message({.club = &raid.club}, request, raid.who(104),
                   {.watch = watching, .cluster = Cluster{.posts = 1, .authors = 1}});
  REQUIRE(decision);
  CHECK(started_in(*decision) != nullptr);
}

TEST_CASE("texts that differ in case, accents, digits and marks are the same, and others are not") {
  const auto key = text_key("Découvrez notre boutique éphémère");
  CHECK(key != 0);
  CHECK(text_key("DECOUVREZ  notre boutique ephemere !!! 42") == key);
  CHECK(text_key("Découvrez notre boutique éternelle") != key);
  CHECK(text_key("bonjour à tous") == 0);
  CHECK(text_key("") == 0);
  CHECK(text_key("1234567890123456789012345678901234567890") == 0);
  CHECK(text_key("我们今天晚上在图书馆见面然后一起去吃饭好不好呢朋友们大家") != 0);
}

TEST_CASE("what is loaded of a club watches on as what was folded") {
  Raid raid;
  std::vector<v1::Event> posts;
  for (std::uint64_t account = 100; account < 109; ++account) {
    raid.arrive(account);
    if (account % 2 == 0) raid.time += 40 * minute;
  }
  raid.time += 10 * minute;
  for (std::uint64_t account = 107; account < 109; ++account) {
    auto decision = raid.post(account, spam);
    posts.push_back(decision.events[0].event);
    raid.time += 1'000;
  }
  raid.start();
  ClubState loaded{raid.club.id()};
  loaded.load(raid.club.club());
  for (const auto& [id, row] : raid.rows) loaded.load(row);
  loaded.load(raid.club.raid());
  for (const v1::Event& event : posts) loaded.load_recent(event);
  CHECK(std::ranges::equal(loaded.arrivals(), raid.club.arrivals()));
  REQUIRE(loaded.young_posts().size() == raid.club.young_posts().size());
  CHECK(loaded.young_posts().front().key == raid.club.young_posts().front().key);
  CHECK(loaded.young_posts().front().account_id == raid.club.young_posts().front().account_id);
  CHECK(loaded.in_raid_mode(raid.time));
  CHECK(is_held_by_raid(actor_in(loaded, 108, v1::SITE_ROLE_NONE, raid.time)));
  CHECK_FALSE(is_held_by_raid(actor_in(loaded, 2, v1::SITE_ROLE_NONE, raid.time)));
}

TEST_CASE("two hundred raiders show twenty posts at most, and stop nobody who was here before") {
  Raid raid;
  int shown = 0;
  std::int64_t first = 0;
  for (std::uint64_t account = 1'000; account < 1'200; ++account, raid.time += 50) {
    if (const auto came = raid.arriving(account); came) raid.commit(came, account);
    if (raid.row(account) == nullptr) continue;
    if (!raid.posting(account, spam)) continue;
    raid.post(account, spam);
    ++shown;
    if (first == 0) first = raid.time;
    CHECK(raid.posting(v1::CLUB_ROLE_MEMBER, spam));
  }
  CHECK(raid.club.in_raid_mode(raid.time));
  CHECK(raid.club.raid().start_ms() - first <= 10'000);
  CHECK(shown <= 20);
  CHECK(raid.posting(v1::CLUB_ROLE_GUEST, spam));
}

TEST_CASE("the messages of all newcomers go and come back together, each under its author's rank") {
  Raid raid;
  for (std::uint64_t account = 100; account < 103; ++account) raid.arrive(account, {});
  std::vector<v1::Message> said;
  v1::RemoveMessages request;
  request.set_newcomers(true);
  request.set_reason(v1::REASON_CODE_SPAM);
  for (std::uint64_t number = 1; number <= 3; ++number) {
    v1::Message message;
    message.set_room_id(raid.hall);
    message.set_number(number);
    message.set_author(99 + number);
    message.set_body("pourriel");
    said.push_back(message);
    request.add_messages()->set_room_id(raid.hall);
    request.mutable_messages(request.messages_size() - 1)->set_number(number);
  }
  raid.start();
  const auto remove = [&] {
    return remove_messages(raid.club, said, request, raid.who(v1::CLUB_ROLE_COMMITTEE));
  };
  const auto removed = raid.commit(remove(), v1::CLUB_ROLE_COMMITTEE);
  REQUIRE(removed.events.size() == 4);
  const v1::Removal& removal = removed.events[3].event.messages_removed().removal();
  CHECK(removal.newcomers());
  CHECK(removal.account_id() == 0);
  CHECK(removal.messages_size() == 3);
  // An older member's words do not go along, nor those of a peer.
  said[1].set_author(v1::CLUB_ROLE_MEMBER);
  CHECK(rule_of(remove()) == "removal.newcomers");
  said[1].set_author(v1::CLUB_ROLE_PRESIDENT);
  CHECK(rule_of(remove()) == "removal.newcomers");
  said[1].set_author(0);
  CHECK(rule_of(remove()) == "removal.newcomers");
  said[1].set_author(101);
  request.set_account_id(100);
  CHECK(code_of(remove()) == v1::REFUSAL_CODE_BAD_REQUEST);
  request.clear_account_id();
  CHECK(code_of(remove_messages(raid.club, said, request, raid.who(v1::CLUB_ROLE_MEMBER))) ==
        v1::REFUSAL_CODE_FORBIDDEN);

  v1::Removal kept = removal;
  kept.set_seq(10);
  std::vector<Removed> gone;
  for (std::size_t i = 0; i < said.size(); ++i) {
    v1::Message message = said[i];
    message.clear_body();
    message.set_deleted(true);
    message.set_deleted_seq(7 + i);
    gone.push_back({message, DeletedWords{"pourriel", {}}});
  }
  const auto undone = undo_removal(raid.club, &kept, gone, raid.who(v1::CLUB_ROLE_COMMITTEE));
  REQUIRE(undone);
  CHECK(undone->events.size() == 4);
  // Whom the club made an officer since is not acted on by a peer.
  raid.put(101, v1::CLUB_ROLE_COMMITTEE, v1::MEMBER_STATUS_ACTIVE);
  CHECK(rule_of(undo_removal(raid.club, &kept, gone, raid.who(v1::CLUB_ROLE_COMMITTEE))) ==
        "may.rank");
}

TEST_CASE(
    "newcomers are those of the last raid for a day after it, and then those of the last day") {
  v1::RaidMode last;
  CHECK(newcomers_since(last, now_ms) == now_ms - day);
  last.set_raid_id(1);
  last.set_newcomers_since_ms(now_ms - 3 * day);
  CHECK(newcomers_since(last, now_ms) == now_ms - 3 * day);
  last.set_end(v1::RAID_END_LIFTED);
  last.set_ended_ms(now_ms - day + 1);
  CHECK(newcomers_since(last, now_ms) == now_ms - 3 * day);
  last.set_ended_ms(now_ms - day);
  CHECK(newcomers_since(last, now_ms) == now_ms - day);
}

}  // namespace
}  // namespace amicale::domain_test
