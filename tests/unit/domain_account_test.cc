// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string>

#include "domain_world.h"
#include "server/domain/account.h"
#include "server/domain/limits.h"
#include "server/domain/site.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

struct Account {
  AccountState state{9};

  Decision take(const Decision& decision) {
    fold(state, decision);
    return decision;
  }
  Decision take(const Result<Decision>& result) {
    REQUIRE(result);
    return take(*result);
  }
};

TEST_CASE("an account opens once, with its name in normal form") {
  Account account;
  account.take(open_account(
      account.state, {.login = "zoe", .display_name = "Zoe\u0301", .language = v1::LANGUAGE_EN}));
  CHECK(account.state.profile().display_name() == "Zo\u00e9");
  CHECK(account.state.site_role() == v1::SITE_ROLE_NONE);
  CHECK(open_account(account.state, {.login = "zoe", .display_name = "X"}).events.empty());
}

TEST_CASE("a profile changes field by field") {
  Account account;
  account.take(open_account(account.state, {.login = "zoe", .display_name = "Zoé"}));
  v1::ChangeProfile request;
  CHECK(rule_of(change_profile(account.state, request)) == "account.nothing_to_change");
  request.set_language(v1::LANGUAGE_EN);
  account.take(change_profile(account.state, request));
  CHECK(account.state.profile().display_name() == "Zoé");
  CHECK(account.state.profile().login() == "zoe");
  CHECK(account.take(change_profile(account.state, request)).events.empty());
  request.set_display_name("\u200b");
  CHECK(!change_profile(account.state, request));
  request.set_display_name("Zoé L.");
  request.set_language(static_cast<v1::Language>(9));
  CHECK(code_of(change_profile(account.state, request)) == v1::REFUSAL_CODE_BAD_REQUEST);
  account.take(take_site_role(account.state, v1::SITE_ROLE_STAFF));
  CHECK(account.state.site_role() == v1::SITE_ROLE_STAFF);
  CHECK(take_site_role(account.state, v1::SITE_ROLE_STAFF).events.empty());
}

TEST_CASE("a new password revokes every other device, and its hash is never sent") {
  Account account;
  for (int i = 0; i < 3; ++i) account.take(issue_token(account.state, "hash", "phone", now_ms));
  const auto decided = account.take(set_password(account.state, "$argon2id$", 2));
  CHECK(account.state.tokens() == std::vector<std::uint64_t>{2});
  CHECK(decided.events[0].private_part.password_hash() == "$argon2id$");
  CHECK(!decided.events[0].event.SerializeAsString().contains("argon2"));
}

TEST_CASE(
    "a token's id is never given twice, its hash is never sent, and the oldest device gives way") {
  Account account;
  for (std::uint32_t i = 0; i < limits::devices_per_account; ++i) {
    const auto issued =
        account.take(issue_token(account.state, "secret hash", "Firefox on Linux", now_ms));
    REQUIRE(issued.events.size() == 1);
    CHECK(issued.object_id == i + 1);
    CHECK(issued.events[0].private_part.token_hash() == "secret hash");
    CHECK(!issued.events[0].event.SerializeAsString().contains("secret hash"));
  }
  const auto one_more = account.take(issue_token(account.state, "h", "phone", now_ms));
  CHECK(one_more.events.size() == 2);
  CHECK(account.state.tokens().size() == limits::devices_per_account);
  CHECK(!account.state.has_token(1));
  v1::RevokeToken request;
  request.set_token_id(one_more.object_id);
  account.take(revoke_token(account.state, request));
  CHECK(code_of(revoke_token(account.state, request)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(account.take(issue_token(account.state, "h", "phone", now_ms)).object_id ==
        one_more.object_id + 1);
  request.set_all(true);
  account.take(revoke_token(account.state, request));
  CHECK(account.state.tokens().empty());
  CHECK(account.take(revoke_token(account.state, request)).events.empty());
  CHECK(!issue_token(account.state, "h", std::string(limits::device_name_bytes + 1, 'x'), now_ms));
}

TEST_CASE("a read mark goes forward up to the last message, and never back") {
  v1::MarkRead request;
  request.mutable_stream()->set_kind(v1::STREAM_KIND_CLUB);
  request.mutable_stream()->set_id(7);
  request.set_room_id(1);
  request.set_number(5);
  const auto decided = mark_read({.marked = 3, .head_number = 5}, request);
  REQUIRE(decided);
  CHECK(decided->events.at(0).event.read_marked().mark().number() == 5);
  CHECK(decided->events[0].event.read_marked().mark().stream().id() == 7);
  CHECK(mark_read({.marked = 5, .head_number = 9}, request)->events.empty());
  CHECK(mark_read({.marked = 8, .head_number = 9}, request)->events.empty());
  CHECK(rule_of(mark_read({.marked = 0, .head_number = 4}, request)) == "account.read_beyond");
}

TEST_CASE("a level is set to what exists, once") {
  v1::SetLevel request;
  request.set_level(v1::NOTIFICATION_LEVEL_ALL);
  CHECK(set_level(v1::NOTIFICATION_LEVEL_UNSPECIFIED, request)->events.size() == 1);
  CHECK(set_level(v1::NOTIFICATION_LEVEL_ALL, request)->events.empty());
  request.set_level(v1::NOTIFICATION_LEVEL_UNSPECIFIED);
  CHECK(!set_level(v1::NOTIFICATION_LEVEL_ALL, request));
  request.set_level(static_cast<v1::NotificationLevel>(9));
  CHECK(!set_level(v1::NOTIFICATION_LEVEL_ALL, request));
}

TEST_CASE("notices say what changed elsewhere") {
  CHECK(notice_membership(7, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE)
            .events.at(0)
            .event.membership_noticed()
            .club_id() == 7);
  CHECK(notice_direct(12).events.at(0).event.direct_noticed().direct_id() == 12);
}

TEST_CASE("the site is made by its owner, once") {
  SiteState site;
  CHECK(code_of(create_site(site, "Réseau", actor_on_site(1, v1::SITE_ROLE_STAFF))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(!create_site(site, "", console));
  fold(site, *create_site(site, "Réseau", console));
  CHECK(site.name() == "Réseau");
  CHECK(create_site(site, "Autre", console)->events.empty());
}

TEST_CASE("clubs and accounts are registered under ids of their own and names that are free") {
  SiteState site;
  v1::CreateClub club;
  club.set_slug("vin");
  club.set_name("Vin");
  club.set_kind(v1::CLUB_KIND_SOCIAL);
  CHECK(code_of(register_club(site, {}, club, actor_on_site(1, v1::SITE_ROLE_NONE))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(rule_of(register_club(site, {.taken = true}, club, console)) == "club.slug_taken");
  for (const std::uint64_t id : {1, 2}) {
    const auto registered = register_club(site, {}, club, console);
    REQUIRE(registered);
    CHECK(registered->object_id == id);
    fold(site, *registered);
  }
  const NewAccount amy{.login = "amy", .display_name = "Amy", .external_id = "HEC-1"};
  for (const std::uint64_t id : {1, 2}) {
    const auto registered = register_account(site, amy);
    REQUIRE(registered);
    CHECK(registered->object_id == id);
    CHECK(registered->events[0].private_part.external_id() == "HEC-1");
    CHECK(!registered->events[0].event.SerializeAsString().contains("HEC-1"));
    fold(site, *registered);
  }
  CHECK(
      rule_of(register_account(
          site, {.login = "amy", .display_name = "Amy", .external_id = {}, .login_taken = true})) ==
      "account.login_taken");
  CHECK(rule_of(register_account(
            site, {.login = "Amy", .display_name = "Amy", .external_id = {}})) == "text.login");
  CHECK(rule_of(register_account(site, {.login = "amy", .display_name = "", .external_id = {}})) ==
        "text.blank");

  store::SiteRow full;
  full.set_last_account_id(limits::accounts_per_site);
  site.load(full);
  CHECK(code_of(register_account(site, amy)) == v1::REFUSAL_CODE_CAPACITY);
}

TEST_CASE("owners name staff and owners, and one owner always stays") {
  SiteState site;
  const auto set = [&](std::uint64_t account, v1::SiteRole role, const Actor& who = console) {
    v1::SetSiteRole request;
    request.set_role(role);
    return set_site_role(site, account, request, who);
  };
  CHECK(code_of(set(1, v1::SITE_ROLE_STAFF, actor_on_site(1, v1::SITE_ROLE_STAFF))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(set(0, v1::SITE_ROLE_STAFF)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(set(1, v1::SITE_ROLE_UNSPECIFIED)) == v1::REFUSAL_CODE_BAD_REQUEST);
  fold(site, *set(1, v1::SITE_ROLE_OWNER));
  CHECK(set(1, v1::SITE_ROLE_OWNER)->events.empty());
  CHECK(rule_of(set(1, v1::SITE_ROLE_NONE)) == "site.last_owner");
  fold(site, *set(2, v1::SITE_ROLE_OWNER));
  fold(site, *set(1, v1::SITE_ROLE_STAFF));
  CHECK(site.owners() == 1);
  CHECK(rule_of(set(2, v1::SITE_ROLE_STAFF)) == "site.last_owner");
  CHECK(set(3, v1::SITE_ROLE_NONE)->events.empty());
}

TEST_CASE("invitations to the site are the staff's, and open as those of clubs do") {
  SiteState site;
  v1::CreateInvitation request;
  const NewInvitation fresh{.code_hash = "hash"};
  CHECK(code_of(create_site_invitation(site, fresh, request, actor_on_site(1, v1::SITE_ROLE_NONE),
                                       now_ms)) == v1::REFUSAL_CODE_FORBIDDEN);
  const auto made = create_site_invitation(site, fresh, request, console, now_ms);
  REQUIRE(made);
  CHECK(made->events[0].private_part.invitation_hash() == "hash");
  fold(site, *made);
  CHECK(site.last_invitation_id() == 1);

  store::InvitationRow row;
  *row.mutable_invitation() = made->events[0].event.invitation_created().invitation();
  CHECK(use_site_invitation(&row, 5, now_ms)->events.at(0).event.invitation_used().account_id() ==
        5);
  CHECK(code_of(use_site_invitation(nullptr, 5, now_ms)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(revoke_site_invitation(&row.invitation(), actor_on_site(1, v1::SITE_ROLE_NONE))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(revoke_site_invitation(nullptr, console)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(revoke_site_invitation(&row.invitation(), console)->events.size() == 1);
  row.mutable_invitation()->set_revoked(true);
  CHECK(revoke_site_invitation(&row.invitation(), console)->events.empty());
  CHECK(rule_of(use_site_invitation(&row, 5, now_ms)) == "invitation.revoked");
}

}  // namespace
}  // namespace amicale::domain_test
