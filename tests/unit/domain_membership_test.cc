// SPDX-License-Identifier: AGPL-3.0-or-later
#include <set>
#include <string>
#include <tuple>

#include "domain_world.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;
using enum v1::MemberStatus;

constexpr std::int64_t day_ms = 24 * 60 * 60 * 1000;

v1::CreateInvitation invitation_to(v1::ClubRole role) {
  v1::CreateInvitation request;
  request.set_role(role);
  return request;
}

Result<Decision> invite(const World& world, const v1::CreateInvitation& request, const Actor& who) {
  return create_invitation(world.club, {.code_hash = "hash", .account_id = 0}, request, who,
                           now_ms);
}

// The row of an invitation as storage would keep it.
store::InvitationRow row_of(const Decision& decision) {
  store::InvitationRow row;
  for (const Decided& decided : decision.events) {
    if (!decided.event.has_invitation_created()) continue;
    *row.mutable_invitation() = decided.event.invitation_created().invitation();
    row.set_account_id(decided.private_part.invitation_account());
  }
  return row;
}

Result<Decision> use(const World& world, const store::InvitationRow* row, std::uint64_t account_id,
                     std::int64_t at_ms = now_ms) {
  return use_invitation(world.club,
                        {.invitation = row,
                         .member = world.row(account_id),
                         .account_id = account_id,
                         .display_name = "New"},
                        at_ms);
}

void fill_up(World& world) {
  v1::ChangeClub request;
  request.set_capacity(world.club.places_taken());
  world.take(change_club(world.club, request, world.as(v1::CLUB_ROLE_PRESIDENT)));
}

TEST_CASE("the graph of statuses is exactly this, for each who asks") {
  using Edge = std::pair<v1::MemberStatus, v1::MemberStatus>;
  const std::set<Edge> by_committee = {{MEMBER_STATUS_INVITED, MEMBER_STATUS_REMOVED},
                                       {MEMBER_STATUS_INVITED, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_ACTIVE},
                                       {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_WAITLISTED},
                                       {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_REFUSED},
                                       {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_ACTIVE},
                                       {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_REFUSED},
                                       {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_REFUSED, MEMBER_STATUS_ACTIVE},
                                       {MEMBER_STATUS_REFUSED, MEMBER_STATUS_WAITLISTED},
                                       {MEMBER_STATUS_REFUSED, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_PAUSED},
                                       {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_REMOVED},
                                       {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_PAUSED, MEMBER_STATUS_ACTIVE},
                                       {MEMBER_STATUS_PAUSED, MEMBER_STATUS_REMOVED},
                                       {MEMBER_STATUS_PAUSED, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_REMOVED, MEMBER_STATUS_ACTIVE},
                                       {MEMBER_STATUS_REMOVED, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_BANNED, MEMBER_STATUS_ACTIVE},
                                       {MEMBER_STATUS_BANNED, MEMBER_STATUS_REMOVED},
                                       {MEMBER_STATUS_LEFT, MEMBER_STATUS_BANNED},
                                       {MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_REMOVED},
                                       {MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_BANNED}};
  const std::set<Edge> by_oneself = {{MEMBER_STATUS_INVITED, MEMBER_STATUS_OPTED_IN},
                                     {MEMBER_STATUS_INVITED, MEMBER_STATUS_ACTIVE},
                                     {MEMBER_STATUS_INVITED, MEMBER_STATUS_LEFT},
                                     {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_LEFT},
                                     {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_LEFT},
                                     {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_LEFT},
                                     {MEMBER_STATUS_PAUSED, MEMBER_STATUS_LEFT},
                                     {MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_LEFT}};
  World world;
  constexpr std::uint64_t someone = 20;
  for (int from = MEMBER_STATUS_INVITED; from <= v1::MemberStatus_MAX; ++from) {
    world.put(someone, v1::CLUB_ROLE_MEMBER, static_cast<v1::MemberStatus>(from));
    for (int to = v1::MemberStatus_MIN; to <= v1::MemberStatus_MAX; ++to) {
      const Edge edge{static_cast<v1::MemberStatus>(from), static_cast<v1::MemberStatus>(to)};
      const auto committee =
          world.set_status(someone, edge.second, world.as(v1::CLUB_ROLE_COMMITTEE));
      CHECK((committee && !committee->events.empty()) == by_committee.contains(edge));
      const auto own = world.set_status(someone, edge.second, world.actor(someone));
      CHECK((own && !own->events.empty()) == by_oneself.contains(edge));
      // A plain member learns nothing of where another stands: always the same refusal for one target status.
      const auto member = world.set_status(someone, edge.second, world.as(v1::CLUB_ROLE_MEMBER));
      const auto of_nobody = world.set_status(777, edge.second, world.as(v1::CLUB_ROLE_MEMBER));
      REQUIRE(!member);
      REQUIRE(!of_nobody);
      CHECK(member.error() == of_nobody.error());
      CHECK(code_of(world.set_status(someone, edge.second, world.actor(outsider))) ==
            v1::REFUSAL_CODE_NOT_FOUND);
    }
  }
}

TEST_CASE("asking for the status that is there already changes nothing") {
  World world;
  CHECK(world.take(world.set_status(2, MEMBER_STATUS_ACTIVE, world.as(v1::CLUB_ROLE_COMMITTEE)))
            .events.empty());
}

TEST_CASE("a status begins when it is decided, and a role change leaves that alone") {
  World world;
  world.take(world.set_status(2, MEMBER_STATUS_PAUSED, world.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(world.row(2)->since_ms() == now_ms + 1);
  CHECK(world.row(2)->display_name() == "Member 2");
  world.take(world.set_role(2, v1::CLUB_ROLE_SPONSOR, world.as(v1::CLUB_ROLE_PRESIDENT)));
  CHECK(world.row(2)->since_ms() == now_ms + 1);
  CHECK(world.row(2)->status() == MEMBER_STATUS_PAUSED);
}

TEST_CASE("without a reason a change is one event for all and for whom it concerns") {
  World world;
  const auto removed =
      world.take(world.set_status(2, MEMBER_STATUS_REMOVED, world.as(v1::CLUB_ROLE_COMMITTEE)));
  REQUIRE(removed.events.size() == 1);
  CHECK(removed.events[0].audience.roles() == all_roles);
  CHECK(removed.events[0].audience.account() == 2);
}

TEST_CASE("a reason reaches the person and the committee, and nobody else") {
  World world;
  const auto removed = world.take(world.set_status(
      2, MEMBER_STATUS_REMOVED, world.as(v1::CLUB_ROLE_COMMITTEE), "Publicité répétée"));
  REQUIRE(removed.events.size() == 2);
  CHECK(removed.events[0].audience.roles() == committee_and_above);
  CHECK(removed.events[0].audience.account() == 2);
  CHECK(removed.events[0].event.member_changed().reason() == "Publicité répétée");
  CHECK(removed.events[1].audience.roles() ==
        (bit(v1::CLUB_ROLE_GUEST) | bit(v1::CLUB_ROLE_MEMBER) | bit(v1::CLUB_ROLE_SPONSOR)));
  CHECK(removed.events[1].audience.account() == 0);
  CHECK(removed.events[1].event.member_changed().reason().empty());
  CHECK(removed.events[1].event.member_changed().member().status() == MEMBER_STATUS_REMOVED);
  CHECK(world.club.places_taken() == 5);
  CHECK(code_of(world.set_status(3, MEMBER_STATUS_BANNED, world.as(v1::CLUB_ROLE_COMMITTEE),
                                 std::string(limits::purpose_bytes + 1, 'a'))) ==
        v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("who is on the way in is between them and the committee") {
  World world;
  world.put(20, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_OPTED_IN);
  const auto refused = world.take(world.set_status(
      20, MEMBER_STATUS_REFUSED, world.as(v1::CLUB_ROLE_COMMITTEE), "Hors critères"));
  REQUIRE(refused.events.size() == 1);
  CHECK(refused.events[0].audience.roles() == committee_and_above);
  CHECK(refused.events[0].audience.account() == 20);
  const auto admitted =
      world.take(world.set_status(20, MEMBER_STATUS_ACTIVE, world.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(admitted.events[0].audience.roles() == all_roles);
}

TEST_CASE("the club can't remove its supervisor, nor a committee member a peer") {
  World world;
  world.put(21, v1::CLUB_ROLE_COMMITTEE, MEMBER_STATUS_ACTIVE);
  CHECK(rule_of(world.set_status(6, MEMBER_STATUS_REMOVED, world.as(v1::CLUB_ROLE_PRESIDENT))) ==
        "may.rank");
  CHECK(rule_of(world.set_status(21, MEMBER_STATUS_REMOVED, world.as(v1::CLUB_ROLE_COMMITTEE))) ==
        "may.rank");
  CHECK(world.set_status(21, MEMBER_STATUS_REMOVED, world.as(v1::CLUB_ROLE_PRESIDENT)).has_value());
  CHECK(world.set_status(6, MEMBER_STATUS_REMOVED, world.actor(outsider, v1::SITE_ROLE_STAFF))
            .has_value());
}

TEST_CASE("who goes gives up the office, and does not get it back by coming back") {
  World world;
  world.take(world.set_status(4, MEMBER_STATUS_REMOVED, world.as(v1::CLUB_ROLE_PRESIDENT)));
  CHECK(world.row(4)->role() == v1::CLUB_ROLE_MEMBER);
  world.take(world.set_status(4, MEMBER_STATUS_ACTIVE, world.as(v1::CLUB_ROLE_PRESIDENT)));
  CHECK(world.row(4)->role() == v1::CLUB_ROLE_MEMBER);
  world.take(world.set_status(1, MEMBER_STATUS_LEFT, world.actor(1)));
  CHECK(world.row(1)->role() == v1::CLUB_ROLE_GUEST);
}

TEST_CASE(
    "the president hands over before leaving; above the club they can be removed, and the seat is "
    "vacant") {
  World world;
  CHECK(rule_of(world.set_status(5, MEMBER_STATUS_LEFT, world.actor(5))) ==
        "membership.president_needed");
  world.take(world.set_status(5, MEMBER_STATUS_BANNED, world.as(v1::CLUB_ROLE_SUPERVISOR)));
  CHECK(world.club.president() == 0);
  CHECK(world.row(5)->role() == v1::CLUB_ROLE_MEMBER);
}

TEST_CASE("a club has one president: naming another makes the former a committee member") {
  World world;
  const auto handed =
      world.take(world.set_role(4, v1::CLUB_ROLE_PRESIDENT, world.as(v1::CLUB_ROLE_PRESIDENT)));
  REQUIRE(handed.events.size() == 2);
  CHECK(handed.events[0].event.member_changed().member().account_id() == 5);
  CHECK(handed.events[0].event.member_changed().member().role() == v1::CLUB_ROLE_COMMITTEE);
  CHECK(world.club.president() == 4);
  CHECK(world.row(5)->role() == v1::CLUB_ROLE_COMMITTEE);
  // The former president has no say in it any more.
  CHECK(!world.set_role(5, v1::CLUB_ROLE_PRESIDENT, world.actor(5)));
}

TEST_CASE("roles are given below one's own, to people below oneself") {
  World world;
  const Actor committee = world.as(v1::CLUB_ROLE_COMMITTEE);
  const Actor president = world.as(v1::CLUB_ROLE_PRESIDENT);
  CHECK(code_of(world.set_role(1, v1::CLUB_ROLE_MEMBER, world.as(v1::CLUB_ROLE_SPONSOR))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(world.set_role(1, v1::CLUB_ROLE_SPONSOR, committee).has_value());
  CHECK(rule_of(world.set_role(1, v1::CLUB_ROLE_COMMITTEE, committee)) == "may.grant_role");
  CHECK(rule_of(world.set_role(1, v1::CLUB_ROLE_PRESIDENT, committee)) == "may.grant_role");
  CHECK(rule_of(world.set_role(5, v1::CLUB_ROLE_MEMBER, committee)) == "may.rank");
  CHECK(world.set_role(1, v1::CLUB_ROLE_COMMITTEE, president).has_value());
  CHECK(rule_of(world.set_role(1, v1::CLUB_ROLE_SUPERVISOR, president)) == "may.grant_role");
  CHECK(rule_of(world.set_role(1, v1::CLUB_ROLE_SUPERVISOR, world.as(v1::CLUB_ROLE_SUPERVISOR))) ==
        "may.grant_role");
  CHECK(world.set_role(1, v1::CLUB_ROLE_SUPERVISOR, world.actor(outsider, v1::SITE_ROLE_STAFF))
            .has_value());
  CHECK(rule_of(world.set_role(5, v1::CLUB_ROLE_MEMBER, world.as(v1::CLUB_ROLE_SUPERVISOR))) ==
        "membership.president_needed");
  CHECK(code_of(world.set_role(777, v1::CLUB_ROLE_MEMBER, president)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(world.set_role(1, v1::CLUB_ROLE_UNSPECIFIED, president)) ==
        v1::REFUSAL_CODE_BAD_REQUEST);
  CHECK(world.take(world.set_role(1, v1::CLUB_ROLE_GUEST, president)).events.empty());
  world.put(20, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_PAUSED);
  CHECK(rule_of(world.set_role(20, v1::CLUB_ROLE_PRESIDENT, president)) == "membership.not_active");
  world.put(20, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_LEFT);
  CHECK(rule_of(world.set_role(20, v1::CLUB_ROLE_SPONSOR, president)) == "membership.not_active");
}

TEST_CASE(
    "every role invites to what it may, and those below the committee leave the decision to it") {
  World world;
  using R = v1::ClubRole;
  const std::set<std::pair<R, R>> good = {{v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_GUEST},
                                          {v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_MEMBER},
                                          {v1::CLUB_ROLE_SPONSOR, v1::CLUB_ROLE_GUEST},
                                          {v1::CLUB_ROLE_SPONSOR, v1::CLUB_ROLE_MEMBER},
                                          {v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_GUEST},
                                          {v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_MEMBER},
                                          {v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_SPONSOR},
                                          {v1::CLUB_ROLE_PRESIDENT, v1::CLUB_ROLE_GUEST},
                                          {v1::CLUB_ROLE_PRESIDENT, v1::CLUB_ROLE_MEMBER},
                                          {v1::CLUB_ROLE_PRESIDENT, v1::CLUB_ROLE_SPONSOR},
                                          {v1::CLUB_ROLE_PRESIDENT, v1::CLUB_ROLE_COMMITTEE},
                                          {v1::CLUB_ROLE_SUPERVISOR, v1::CLUB_ROLE_GUEST},
                                          {v1::CLUB_ROLE_SUPERVISOR, v1::CLUB_ROLE_MEMBER},
                                          {v1::CLUB_ROLE_SUPERVISOR, v1::CLUB_ROLE_SPONSOR},
                                          {v1::CLUB_ROLE_SUPERVISOR, v1::CLUB_ROLE_COMMITTEE},
                                          {v1::CLUB_ROLE_SUPERVISOR, v1::CLUB_ROLE_PRESIDENT}};
  for (int by = v1::CLUB_ROLE_GUEST; by <= v1::CLUB_ROLE_SUPERVISOR; ++by) {
    for (int to = v1::CLUB_ROLE_GUEST; to <= v1::CLUB_ROLE_SUPERVISOR; ++to) {
      const auto made =
          invite(world, invitation_to(static_cast<R>(to)), world.as(static_cast<R>(by)));
      CHECK(made.has_value() == good.contains({static_cast<R>(by), static_cast<R>(to)}));
      if (!made) continue;
      CHECK(row_of(*made).invitation().needs_decision() == (by < v1::CLUB_ROLE_COMMITTEE));
      CHECK(made->events[0].audience.roles() == committee_and_above);
      CHECK(made->events[0].audience.account() == static_cast<std::uint64_t>(by));
      CHECK(made->events[0].private_part.invitation_hash() == "hash");
      CHECK(!made->events[0].event.SerializeAsString().contains("hash"));
    }
  }
  CHECK(invite(world, invitation_to(v1::CLUB_ROLE_SUPERVISOR),
               world.actor(outsider, v1::SITE_ROLE_STAFF))
            .has_value());
  CHECK(code_of(invite(world, invitation_to(v1::CLUB_ROLE_UNSPECIFIED),
                       world.as(v1::CLUB_ROLE_PRESIDENT))) == v1::REFUSAL_CODE_BAD_REQUEST);
}

TEST_CASE("an invitation has bounds, and defaults within them") {
  World world;
  auto request = invitation_to(v1::CLUB_ROLE_MEMBER);
  const auto made = world.take(invite(world, request, world.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(made.object_id == 1);
  const auto row = row_of(made);
  CHECK(row.invitation().max_uses() == 1);
  CHECK(row.invitation().expires_ms() == now_ms + 30 * day_ms);
  CHECK(row.invitation().created_by() == 4);
  CHECK(world.club.last_invitation_id() == 1);
  request.set_max_uses(limits::invitation_uses + 1);
  CHECK(code_of(invite(world, request, world.as(v1::CLUB_ROLE_COMMITTEE))) ==
        v1::REFUSAL_CODE_TOO_LARGE);
  request.set_max_uses(limits::member_invitation_uses + 1);
  CHECK(code_of(invite(world, request, world.as(v1::CLUB_ROLE_MEMBER))) ==
        v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(invite(world, request, world.as(v1::CLUB_ROLE_COMMITTEE)).has_value());
  request.set_valid_hours(limits::invitation_hours + 1);
  CHECK(code_of(invite(world, request, world.as(v1::CLUB_ROLE_COMMITTEE))) ==
        v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE(
    "an invitation opens until it is past, used up or revoked, and only for whom it is made") {
  store::InvitationRow row;
  row.mutable_invitation()->set_max_uses(2);
  row.mutable_invitation()->set_expires_ms(now_ms + 1);
  CHECK(check_invitation(&row, 0, now_ms).has_value());
  CHECK(code_of(check_invitation(nullptr, 0, now_ms)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(rule_of(check_invitation(&row, 0, now_ms + 1)) == "invitation.expired");
  row.mutable_invitation()->set_uses(2);
  CHECK(rule_of(check_invitation(&row, 0, now_ms)) == "invitation.used_up");
  row.mutable_invitation()->set_uses(1);
  row.set_account_id(30);
  CHECK(check_invitation(&row, 30, now_ms).has_value());
  CHECK(check_invitation(&row, 0, now_ms).has_value());
  CHECK(code_of(check_invitation(&row, 31, now_ms)) == v1::REFUSAL_CODE_NOT_FOUND);
  row.mutable_invitation()->set_revoked(true);
  CHECK(rule_of(check_invitation(&row, 30, now_ms)) == "invitation.revoked");
}

TEST_CASE("opting in makes an active member, or waits for the decision, or for a place") {
  World world;
  auto request = invitation_to(v1::CLUB_ROLE_MEMBER);
  request.set_max_uses(9);
  const auto open = row_of(world.take(invite(world, request, world.as(v1::CLUB_ROLE_COMMITTEE))));
  request.set_needs_decision(true);
  const auto decided =
      row_of(world.take(invite(world, request, world.as(v1::CLUB_ROLE_COMMITTEE))));

  const auto joined = world.take(use(world, &open, 20));
  REQUIRE(joined.events.size() == 2);
  CHECK(joined.events[0].audience.roles() == all_roles);
  CHECK(joined.events[1].event.invitation_used().account_id() == 20);
  CHECK(joined.events[1].audience.roles() == committee_and_above);
  CHECK(world.row(20)->status() == MEMBER_STATUS_ACTIVE);
  CHECK(world.row(20)->display_name() == "New");
  CHECK(world.take(use(world, &open, 20)).events.empty());

  const auto waiting = world.take(use(world, &decided, 21));
  CHECK(waiting.events[0].audience.roles() == committee_and_above);
  CHECK(waiting.events[0].audience.account() == 21);
  CHECK(world.row(21)->status() == MEMBER_STATUS_OPTED_IN);

  fill_up(world);
  world.take(use(world, &open, 22));
  CHECK(world.row(22)->status() == MEMBER_STATUS_WAITLISTED);
  const auto over = world.set_status(21, MEMBER_STATUS_ACTIVE, world.as(v1::CLUB_ROLE_COMMITTEE));
  CHECK(rule_of(over) == "club.full");
  CHECK(over.error().limit == world.club.club().capacity());

  // A member who leaves frees the place.
  world.take(world.set_status(20, MEMBER_STATUS_LEFT, world.actor(20)));
  world.take(world.set_status(22, MEMBER_STATUS_ACTIVE, world.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(world.club.is_full());
  // A paused member keeps it.
  world.take(world.set_status(22, MEMBER_STATUS_PAUSED, world.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(world.club.is_full());
  world.take(world.set_status(22, MEMBER_STATUS_ACTIVE, world.as(v1::CLUB_ROLE_COMMITTEE)));
}

TEST_CASE(
    "who was turned away or left comes back through the committee alone, who is banned not at "
    "all") {
  World world;
  auto request = invitation_to(v1::CLUB_ROLE_MEMBER);
  request.set_max_uses(9);
  const auto open = row_of(world.take(invite(world, request, world.as(v1::CLUB_ROLE_COMMITTEE))));
  for (const auto& [status, after] : {std::pair{MEMBER_STATUS_REMOVED, MEMBER_STATUS_OPTED_IN},
                                      {MEMBER_STATUS_REFUSED, MEMBER_STATUS_OPTED_IN},
                                      {MEMBER_STATUS_LEFT, MEMBER_STATUS_OPTED_IN},
                                      {MEMBER_STATUS_INVITED, MEMBER_STATUS_ACTIVE}}) {
    world.put(20, v1::CLUB_ROLE_MEMBER, status);
    world.take(use(world, &open, 20));
    CHECK(world.row(20)->status() == after);
  }
  world.put(20, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_BANNED);
  CHECK(rule_of(use(world, &open, 20)) == "membership.banned");
  v1::Sanction ban;  // told with its reason and its end
  ban.set_sanction_id(1);
  ban.set_account_id(20);
  ban.set_kind(v1::SANCTION_KIND_BAN);
  ban.set_reason(v1::REASON_CODE_SPAM);
  world.club.load(ban);
  const auto refused = use(world, &open, 20);
  CHECK(rule_of(refused) == "sanction.ban");
  CHECK(refused.error().held.reason == v1::REASON_CODE_SPAM);
}

TEST_CASE("an invitation to preside is worth nothing once there is a president") {
  World world;
  const auto row = row_of(world.take(invite(world, invitation_to(v1::CLUB_ROLE_PRESIDENT),
                                            world.actor(outsider, v1::SITE_ROLE_STAFF))));
  CHECK(rule_of(use(world, &row, 20)) == "membership.president_taken");
  world.take(world.set_status(5, MEMBER_STATUS_REMOVED, world.as(v1::CLUB_ROLE_SUPERVISOR)));
  world.take(use(world, &row, 20));
  CHECK(world.club.president() == 20);
}

TEST_CASE("a presidency promised to someone who waits yields to one that was taken meanwhile") {
  World world;
  world.put(20, v1::CLUB_ROLE_PRESIDENT, MEMBER_STATUS_OPTED_IN);
  CHECK(world.club.president() == 5);
  world.take(
      world.set_status(20, MEMBER_STATUS_ACTIVE, world.actor(outsider, v1::SITE_ROLE_STAFF)));
  CHECK(world.club.president() == 5);
  CHECK(world.row(20)->role() == v1::CLUB_ROLE_COMMITTEE);
}

TEST_CASE("an invited person accepts for oneself, and waits when the club is full") {
  World world;
  world.put(20, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_INVITED);
  world.take(world.set_status(20, MEMBER_STATUS_OPTED_IN, world.actor(20)));
  CHECK(world.row(20)->status() == MEMBER_STATUS_ACTIVE);
  fill_up(world);
  world.put(21, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_INVITED);
  world.take(world.set_status(21, MEMBER_STATUS_ACTIVE, world.actor(21)));
  CHECK(world.row(21)->status() == MEMBER_STATUS_WAITLISTED);
}

TEST_CASE("an invitation is revoked by its maker or the committee, once") {
  World world;
  const auto made =
      world.take(invite(world, invitation_to(v1::CLUB_ROLE_GUEST), world.as(v1::CLUB_ROLE_MEMBER)));
  v1::Invitation row = row_of(made).invitation();
  CHECK(code_of(revoke_invitation(world.club, &row, world.as(v1::CLUB_ROLE_SPONSOR))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(revoke_invitation(world.club, nullptr, world.as(v1::CLUB_ROLE_SPONSOR))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(revoke_invitation(world.club, nullptr, world.as(v1::CLUB_ROLE_COMMITTEE))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(revoke_invitation(world.club, &row, world.as(v1::CLUB_ROLE_MEMBER))->events.size() == 1);
  CHECK(revoke_invitation(world.club, &row, world.as(v1::CLUB_ROLE_COMMITTEE))->events.size() == 1);
  row.set_revoked(true);
  CHECK(revoke_invitation(world.club, &row, world.as(v1::CLUB_ROLE_COMMITTEE))->events.empty());
  row.set_club_id(8);
  CHECK(code_of(revoke_invitation(world.club, &row, world.as(v1::CLUB_ROLE_COMMITTEE))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE(
    "the alumni office adds a person it knows, with a code that only that person's account can "
    "use") {
  World world;
  v1::AddMember request;
  request.set_login("zoe.levesque");
  request.set_display_name("Zoé Lévesque");
  request.set_role(v1::CLUB_ROLE_MEMBER);
  const AddedMember added{
      .account_id = 40, .display_name = "Zoé Lévesque", .activation_hash = "activation"};
  CHECK(code_of(add_member(world.club, added, request, world.as(v1::CLUB_ROLE_PRESIDENT),
                           now_ms)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(add_member(world.club, added, request, world.actor(outsider), now_ms)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  const auto decided = world.take(
      add_member(world.club, added, request, world.actor(outsider, v1::SITE_ROLE_STAFF), now_ms));
  REQUIRE(decided.events.size() == 2);
  CHECK(world.row(40)->status() == MEMBER_STATUS_ACTIVE);
  const auto row = row_of(decided);
  CHECK(row.account_id() == 40);
  CHECK(decided.events[1].private_part.invitation_hash() == "activation");

  // The code is used up by the one it is for, though nothing about the membership changes.
  const auto used = world.take(use(world, &row, 40));
  REQUIRE(used.events.size() == 1);
  CHECK(used.events[0].event.has_invitation_used());
  CHECK(code_of(use(world, &row, 41)) == v1::REFUSAL_CODE_NOT_FOUND);

  AddedMember again = added;
  again.member = world.row(40);
  CHECK(
      world
          .take(add_member(world.club, again, request, world.actor(0, v1::SITE_ROLE_OWNER), now_ms))
          .events.empty());
  world.put(40, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_BANNED);
  again.member = world.row(40);
  CHECK(rule_of(add_member(world.club, again, request, world.actor(0, v1::SITE_ROLE_OWNER),
                           now_ms)) == "membership.step");
  fill_up(world);
  AddedMember late = added;
  late.account_id = 41;
  CHECK(rule_of(add_member(world.club, late, request, world.actor(0, v1::SITE_ROLE_OWNER),
                           now_ms)) == "club.full");
}

TEST_CASE("an added president takes over from the former") {
  World world;
  v1::AddMember request;
  request.set_login("nouvelle");
  request.set_role(v1::CLUB_ROLE_PRESIDENT);
  const AddedMember added{.account_id = 40,
                          .display_name = "Nouvelle",
                          .president = world.row(5),
                          .activation_hash = {}};
  world.take(add_member(world.club, added, request, world.actor(0, v1::SITE_ROLE_OWNER), now_ms));
  CHECK(world.club.president() == 40);
  CHECK(world.row(5)->role() == v1::CLUB_ROLE_COMMITTEE);
}

TEST_CASE("what the alumni office sends is checked field by field") {
  v1::AddMember good;
  good.set_login("zoe");
  good.set_role(v1::CLUB_ROLE_MEMBER);
  CHECK(check_add_member(good).has_value());
  auto bad = good;
  bad.set_login("Zoé");
  CHECK(check_add_member(bad).error().field == "login");
  bad = good;
  bad.set_role(v1::CLUB_ROLE_UNSPECIFIED);
  CHECK(check_add_member(bad).error().field == "role");
  bad = good;
  bad.set_display_name("\u202e");
  CHECK(check_add_member(bad).error().field == "display_name");
  bad = good;
  bad.set_external_id(std::string(limits::external_id_bytes + 1, '1'));
  CHECK(check_add_member(bad).error().field == "external_id");
  bad = good;
  bad.set_language(static_cast<v1::Language>(9));
  CHECK(check_add_member(bad).error().field == "language");
}

TEST_CASE("a new display name goes to whoever sees the member") {
  World world;
  const auto renamed = rename_member(*world.row(2), "Autre Nom", world.actor(2));
  REQUIRE(renamed.events.size() == 1);
  CHECK(renamed.events[0].audience.roles() == all_roles);
  CHECK(rename_member(*world.row(2), world.row(2)->display_name(), world.actor(2)).events.empty());
  world.put(20, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_WAITLISTED);
  CHECK(rename_member(*world.row(20), "Autre Nom", world.actor(20)).events[0].audience.roles() ==
        committee_and_above);
}

}  // namespace
}  // namespace amicale::domain_test
