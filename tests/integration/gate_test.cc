// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The permission table as it holds at the real gate: every request x role x status x site role, against expectations that are
// written here from the rules of the house and not from permissions.cc. A request without a row here fails.
#include <doctest/doctest.h>
#include <google/protobuf/util/json_util.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>

#include "server/auth/token.h"
#include "server/commands/clubs.h"
#include "server/core.h"
#include "server/domain/account.h"
#include "server/domain/appeal.h"
#include "server/domain/invitation.h"
#include "server/domain/limits.h"
#include "server/http/call.h"
#include "server/session/routes.h"
#include "tests/support/club_world.h"

namespace amicale {
namespace {

using support::message_id;

// --- What is expected ---

// Sets of v1::ClubRole and of v1::MemberStatus, one bit each. Bit 0 of statuses: never was a member.
constexpr unsigned bit(int value) { return 1u << static_cast<unsigned>(value); }
constexpr unsigned no_role = 0;
constexpr unsigned chairs = bit(v1::CLUB_ROLE_PRESIDENT) | bit(v1::CLUB_ROLE_SUPERVISOR);
constexpr unsigned committee = bit(v1::CLUB_ROLE_COMMITTEE) | chairs;
constexpr unsigned members = bit(v1::CLUB_ROLE_MEMBER) | bit(v1::CLUB_ROLE_SPONSOR) | committee;
constexpr unsigned everyone = bit(v1::CLUB_ROLE_GUEST) | members;
constexpr unsigned never_was = bit(v1::MEMBER_STATUS_UNSPECIFIED);
constexpr unsigned invited = bit(v1::MEMBER_STATUS_INVITED);
constexpr unsigned on_the_way =
    invited | bit(v1::MEMBER_STATUS_OPTED_IN) | bit(v1::MEMBER_STATUS_WAITLISTED);
constexpr unsigned suspended = bit(v1::MEMBER_STATUS_SUSPENDED);
constexpr unsigned gone =
    bit(v1::MEMBER_STATUS_REFUSED) | bit(v1::MEMBER_STATUS_REMOVED) | bit(v1::MEMBER_STATUS_LEFT);
constexpr unsigned was_or_will_be =
    on_the_way | gone | bit(v1::MEMBER_STATUS_BANNED);  // whoever has a case
constexpr unsigned outside = never_was | gone | bit(v1::MEMBER_STATUS_BANNED);

enum class From {
  nobody,
  anyone,
  staff,
  owner
};  // from which site role on no membership is needed

struct Expected {
  unsigned active = no_role;
  unsigned paused = no_role;
  unsigned other = 0;  // statuses that need no role
  From site = From::nobody;
  unsigned impossible_for_site = 0;  // statuses in which there is nothing to do it to
};

// Who asks, beyond being this account.
struct Standing {
  v1::SiteRole site = v1::SITE_ROLE_NONE;
  v1::ClubRole role = v1::CLUB_ROLE_UNSPECIFIED;
  v1::MemberStatus status = v1::MEMBER_STATUS_UNSPECIFIED;
};

bool expects(const Expected& expected, const Standing& who) {
  const bool possible = (expected.impossible_for_site & bit(who.status)) == 0;
  const int least =
      expected.site == From::nobody ? v1::SITE_ROLE_OWNER + 1 : static_cast<int>(expected.site);
  if (who.site >= least && possible) return true;
  if (who.status == v1::MEMBER_STATUS_ACTIVE) return (expected.active & bit(who.role)) != 0;
  if (who.status == v1::MEMBER_STATUS_PAUSED) return (expected.paused & bit(who.role)) != 0;
  return (expected.other & bit(who.status)) != 0;
}

// What requests name.
struct Scene {
  uint64_t club = 0;
  uint64_t general = 0;    // room of all
  uint64_t news = 0;       // announcements
  uint64_t back_room = 0;  // the committee's
  uint64_t subject = 0;    // who asks
  uint64_t friend_id = 0;  // talks with the subject, shares another club with them
  uint64_t colleague = 0;  // MEMBER of this club alone
  uint64_t guest = 0;      // GUEST
  uint64_t resting = 0;    // PAUSED
  uint64_t removed = 0;    // REMOVED
  uint64_t banned = 0;     // BANNED
  uint64_t own_first = 0;  // numbers of messages in `general`
  uint64_t own_second = 0;
  uint64_t of_colleague = 0;
  uint64_t of_supervisor = 0;
  uint64_t past_sanction = 0;  // has ended
  uint64_t appealed = 0;       // a warning whose appeal is decided
  uint64_t past_removal = 0;   // is undone
  uint64_t past_proposal = 0;  // about the colleague, withdrawn
  uint64_t past_report = 0;    // is closed
  uint64_t own_invitation = 0;
  uint64_t owners_invitation = 0;
  uint64_t direct = 0;          // of subject and friend, open
  uint64_t foreign_direct = 0;  // of friend and owner, open
  uint64_t held = 0;            // of the colleague, waits for the committee
  std::string code;             // opens this club
};

struct Case {
  const char* says;
  Expected expected;
  void (*fill)(v1::ClientFrame& frame, const Scene& s);
};

template <class Request>
Request* in_room(Request* request, const Scene& s, uint64_t room) {
  *request->mutable_stream() = support::club_stream(s.club);
  request->set_room_id(room);
  return request;
}

template <class Request>
Request* on_message(Request* request, const Scene& s, uint64_t number) {
  in_room(request, s, s.general)->set_number(number);
  return request;
}

void ask_status(v1::ClientFrame& f, const Scene& s, uint64_t account, v1::MemberStatus status) {
  f.mutable_set_member_status()->set_club_id(s.club);
  f.mutable_set_member_status()->set_account_id(account);
  f.mutable_set_member_status()->set_status(status);
}

void ask_role(v1::ClientFrame& f, const Scene& s, uint64_t account, v1::ClubRole role) {
  f.mutable_set_role()->set_club_id(s.club);
  f.mutable_set_role()->set_account_id(account);
  f.mutable_set_role()->set_role(role);
}

void ask_sanction(v1::ClientFrame& f, const Scene& s, uint64_t account, v1::SanctionKind kind,
                  uint32_t seconds) {
  auto& request = *f.mutable_impose_sanction();
  request.set_club_id(s.club);
  request.set_account_id(account);
  request.set_kind(kind);
  request.set_reason(v1::REASON_CODE_SPAM);
  request.set_duration_s(seconds);
}

using F = v1::ClientFrame;
using S = Scene;
using enum From;

// Requests are chosen so that most of those which pass change nothing, or come to nothing after the gate (a name that is
// taken, a text that is too long): the club stays as it is for the next one.
const Case cases[] = {
    // Oneself
    {"opens an invitation to the club",
     {everyone, everyone, (outside | on_the_way | suspended) & ~bit(v1::MEMBER_STATUS_BANNED)},
     [](F& f, const S& s) { f.mutable_accept_invitation()->set_code(s.code); }},
    {"changes the password",
     {.site = anyone},
     [](F& f, const S&) {
       f.mutable_change_password()->set_old_password("not the old one");
       f.mutable_change_password()->set_new_password("a long enough new one");
     }},
    {"changes the profile",
     {.site = anyone},
     [](F& f, const S&) { f.mutable_change_profile()->set_language(v1::LANGUAGE_EN); }},
    {"lists devices", {.site = anyone}, [](F& f, const S&) { f.mutable_list_tokens(); }},
    {"revokes all own devices",
     {.site = anyone},
     [](F& f, const S&) { f.mutable_revoke_token()->set_all(true); }},
    {"revokes somebody's devices",
     {.site = staff},
     [](F& f, const S& s) {
       f.mutable_revoke_token()->set_all(true);
       f.mutable_revoke_token()->set_account_id(s.colleague);
     }},
    {"logs out", {.site = anyone}, [](F& f, const S&) { f.mutable_logout(); }},
    {"marks a room as read",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) { in_room(f.mutable_mark_read(), s, s.general)->set_number(1); }},
    {"marks the committee's room as read",
     {committee, committee, 0, staff},
     [](F& f, const S& s) { in_room(f.mutable_mark_read(), s, s.back_room); }},
    {"sets a room's level",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) {
       in_room(f.mutable_set_level(), s, s.general)->set_level(v1::NOTIFICATION_LEVEL_ALL);
     }},
    {"lists clubs", {.site = anyone}, [](F& f, const S&) { f.mutable_list_clubs(); }},
    {"lists conversations", {.site = anyone}, [](F& f, const S&) { f.mutable_list_directs(); }},

    // The club
    {"makes a club",
     {.site = staff},
     [](F& f, const S&) {
       f.mutable_create_club()->set_slug("club");
       f.mutable_create_club()->set_name("Again");
       f.mutable_create_club()->set_kind(v1::CLUB_KIND_SOCIAL);
     }},
    {"changes the club",
     {chairs, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_change_club()->set_club_id(s.club);
       f.mutable_change_club()->set_language(v1::LANGUAGE_FR);
     }},
    {"makes a room",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_create_room()->set_club_id(s.club);
       f.mutable_create_room()->set_name("général");
       f.mutable_create_room()->set_access(v1::ROOM_ACCESS_ALL);
     }},
    {"changes a room",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_change_room()->set_club_id(s.club);
       f.mutable_change_room()->set_room_id(s.general);
       f.mutable_change_room()->set_archived(false);
     }},
    {"invites a guest",
     {members, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_create_invitation()->set_club_id(s.club);
       f.mutable_create_invitation()->set_role(v1::CLUB_ROLE_GUEST);
     }},
    {"invites a sponsor",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_create_invitation()->set_club_id(s.club);
       f.mutable_create_invitation()->set_role(v1::CLUB_ROLE_SPONSOR);
     }},
    {"invites a president",
     {bit(v1::CLUB_ROLE_SUPERVISOR), no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_create_invitation()->set_club_id(s.club);
       f.mutable_create_invitation()->set_role(v1::CLUB_ROLE_PRESIDENT);
     }},
    {"invites a supervisor",
     {.site = staff},
     [](F& f, const S& s) {
       f.mutable_create_invitation()->set_club_id(s.club);
       f.mutable_create_invitation()->set_role(v1::CLUB_ROLE_SUPERVISOR);
     }},
    {"invites to the site",
     {.site = staff},
     [](F& f, const S&) { f.mutable_create_invitation()->set_max_uses(2); }},
    {"revokes an own invitation",
     {members, members, 0, staff},
     [](F& f, const S& s) {
       f.mutable_revoke_invitation()->set_club_id(s.club);
       f.mutable_revoke_invitation()->set_invitation_id(s.own_invitation);
     }},
    {"revokes another's invitation",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_revoke_invitation()->set_club_id(s.club);
       f.mutable_revoke_invitation()->set_invitation_id(s.owners_invitation);
     }},
    {"lists invitations",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { f.mutable_list_invitations()->set_club_id(s.club); }},
    {"lists the site's invitations",
     {.site = staff},
     [](F& f, const S&) { f.mutable_list_invitations(); }},
    {"adds a member",
     {.site = staff},
     [](F& f, const S& s) {
       f.mutable_add_member()->set_club_id(s.club);
       f.mutable_add_member()->set_login("colleague");
       f.mutable_add_member()->set_role(v1::CLUB_ROLE_MEMBER);
       f.mutable_add_member()->set_dry_run(true);
     }},
    {"sets a guest's role",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { ask_role(f, s, s.guest, v1::CLUB_ROLE_GUEST); }},
    {"names a committee member",
     {chairs, no_role, 0, staff},
     [](F& f, const S& s) { ask_role(f, s, s.removed, v1::CLUB_ROLE_COMMITTEE); }},
    {"hands over the presidency",
     {chairs, no_role, 0, staff},
     [](F& f, const S& s) { ask_role(f, s, s.resting, v1::CLUB_ROLE_PRESIDENT); }},
    {"names a supervisor",
     {.site = staff},
     [](F& f, const S& s) { ask_role(f, s, s.removed, v1::CLUB_ROLE_SUPERVISOR); }},
    {"admits",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { ask_status(f, s, s.guest, v1::MEMBER_STATUS_ACTIVE); }},
    {"pauses",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { ask_status(f, s, s.resting, v1::MEMBER_STATUS_PAUSED); }},
    {"removes",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { ask_status(f, s, s.removed, v1::MEMBER_STATUS_REMOVED); }},
    {"bans",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { ask_status(f, s, s.banned, v1::MEMBER_STATUS_BANNED); }},
    {"makes oneself active",
     {committee, no_role, invited, staff, never_was},
     [](F& f, const S& s) { ask_status(f, s, s.subject, v1::MEMBER_STATUS_ACTIVE); }},
    {"leaves",
     {everyone, everyone, on_the_way | suspended},
     [](F& f, const S& s) { ask_status(f, s, s.subject, v1::MEMBER_STATUS_LEFT); }},
    {"lists members",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) { f.mutable_list_members()->set_club_id(s.club); }},
    {"looks up names",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) { f.mutable_look_up_names()->set_club_id(s.club); }},
    {"sets a site role",
     {.site = owner},
     [](F& f, const S&) {
       f.mutable_set_site_role()->set_login("colleague");
       f.mutable_set_site_role()->set_role(v1::SITE_ROLE_NONE);
     }},

    // Messages
    {"posts",
     {everyone, no_role, 0, staff},
     [](F& f, const S& s) {
       in_room(f.mutable_post_message(), s, s.general)->set_body("bonjour");
     }},
    {"announces",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { in_room(f.mutable_post_message(), s, s.news)->set_body("annonce"); }},
    {"posts in the committee's room",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       in_room(f.mutable_post_message(), s, s.back_room)->set_body("entre nous");
     }},
    {"calls everyone",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       in_room(f.mutable_post_message(), s, s.general)->set_body("@all");
       f.mutable_post_message()->mutable_mentions()->set_all(true);
     }},
    {"calls the committee",
     {everyone, no_role, 0, staff},
     [](F& f, const S& s) {
       in_room(f.mutable_post_message(), s, s.general)->set_body("@committee");
       f.mutable_post_message()->mutable_mentions()->set_committee(true);
     }},
    {"edits the own message",
     {everyone, no_role, 0, staff},
     [](F& f, const S& s) {
       on_message(f.mutable_edit_message(), s, s.own_first)->set_body("le mien");
     }},
    {"edits another's message",
     {},
     [](F& f, const S& s) {
       on_message(f.mutable_edit_message(), s, s.of_colleague)->set_body("à moi");
     }},
    {"deletes the own message",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) { on_message(f.mutable_delete_message(), s, s.own_second); }},
    {"deletes a member's message",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { on_message(f.mutable_delete_message(), s, s.of_colleague); }},
    {"deletes a supervisor's message",
     {.site = staff},
     [](F& f, const S& s) { on_message(f.mutable_delete_message(), s, s.of_supervisor); }},
    {"brings back a member's message",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { on_message(f.mutable_restore_message(), s, s.of_colleague); }},
    {"locks a member's message",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       on_message(f.mutable_lock_message(), s, s.of_colleague)->set_unlock(true);
     }},
    {"locks a supervisor's message",
     {.site = staff},
     [](F& f, const S& s) {
       on_message(f.mutable_lock_message(), s, s.of_supervisor)->set_unlock(true);
     }},
    {"reacts",
     {everyone, no_role, 0, staff},
     [](F& f, const S& s) {
       on_message(f.mutable_react(), s, s.own_first)->set_emoji("👍");
       f.mutable_react()->set_remove(true);
     }},
    {"pins",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       on_message(f.mutable_pin_message(), s, s.own_first)->set_unpin(true);
     }},
    {"reads a room",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) { in_room(f.mutable_get_history(), s, s.general)->set_before(1); }},
    {"reads the committee's room",
     {committee, committee, 0, staff},
     [](F& f, const S& s) { in_room(f.mutable_get_history(), s, s.back_room)->set_before(1); }},
    {"counts a mention",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) {
       f.mutable_count_mentions()->set_club_id(s.club);
       f.mutable_count_mentions()->set_room_id(s.general);
       f.mutable_count_mentions()->set_all(true);
     }},
    // Once it is reviewed, whoever may is told so.
    {"reviews a held message",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_review_held()->set_club_id(s.club);
       f.mutable_review_held()->set_held_id(s.held);
       f.mutable_review_held()->set_release(true);
     }},
    {"lists what is held",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) { f.mutable_list_held()->set_club_id(s.club); }},
    {"asks how well the club knows oneself",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) { f.mutable_get_trust()->set_club_id(s.club); }},
    {"asks how well the club knows another",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_get_trust()->set_club_id(s.club);
       f.mutable_get_trust()->set_account_id(s.colleague);
     }},
    {"imports",
     {.site = staff},
     [](F& f, const S& s) {
       f.mutable_import_messages()->set_club_id(s.club);
       f.mutable_import_messages()->set_room_id(s.general);
       auto* message = f.mutable_import_messages()->add_messages();
       message->set_author_name("ada");
       message->set_body("hello");
       message->set_time_ms(1'000);
       message->set_client_msg_id("0123456789abcdef");
     }},

    // Direct conversations: whoever shares a club by being in it now may ask; what was agreed outlives it.
    {"asks for a conversation",
     {everyone, everyone},
     [](F& f, const S& s) {
       f.mutable_open_direct()->set_account_id(s.colleague);
       f.mutable_open_direct()->set_introduction(
           std::string(domain::limits::purpose_bytes + 1, 'a'));
     }},
    {"unblocks",
     {everyone, everyone},
     [](F& f, const S& s) {
       f.mutable_block_direct()->set_account_id(s.colleague);
       f.mutable_block_direct()->set_unblock(true);
     }},
    {"answers a conversation",
     {.site = anyone},
     [](F& f, const S& s) {
       f.mutable_answer_direct()->set_direct_id(s.direct);
       f.mutable_answer_direct()->set_accept(true);
     }},
    {"answers a foreign conversation",
     {},
     [](F& f, const S& s) { f.mutable_answer_direct()->set_direct_id(s.foreign_direct); }},
    {"posts in a conversation",
     {.site = anyone},
     [](F& f, const S& s) {
       *f.mutable_post_message()->mutable_stream() = support::direct_stream(s.direct);
       f.mutable_post_message()->set_body("bonjour");
     }},
    {"posts in a foreign conversation",
     {},
     [](F& f, const S& s) {
       *f.mutable_post_message()->mutable_stream() = support::direct_stream(s.foreign_direct);
       f.mutable_post_message()->set_body("bonjour");
     }},
    {"reads a foreign conversation",
     {},
     [](F& f, const S& s) {
       *f.mutable_get_history()->mutable_stream() = support::direct_stream(s.foreign_direct);
       f.mutable_get_history()->set_before(1);
     }},

    // The provable log
    {"checks the own case",
     {everyone, everyone, was_or_will_be | suspended, staff},
     [](F& f, const S& s) {
       *f.mutable_get_audit_proof()->mutable_stream() = support::club_stream(s.club);
       f.mutable_get_audit_proof()->set_account_id(s.subject);
     }},
    {"checks another's case",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       *f.mutable_get_audit_proof()->mutable_stream() = support::club_stream(s.club);
       f.mutable_get_audit_proof()->set_account_id(s.colleague);
     }},
    {"reads every act",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       *f.mutable_get_audit_proof()->mutable_stream() = support::club_stream(s.club);
     }},
    {"reads every act of the site",
     {.site = staff},
     [](F& f, const S&) {
       f.mutable_get_audit_proof()->mutable_stream()->set_kind(v1::STREAM_KIND_SITE);
       f.mutable_get_audit_proof()->mutable_stream()->set_id(1);
     }},
    {"checks that the log of acts goes on",
     {everyone, everyone, was_or_will_be | suspended, staff},
     [](F& f, const S& s) {
       *f.mutable_get_audit_consistency()->mutable_stream() = support::club_stream(s.club);
       f.mutable_get_audit_consistency()->set_from_size(1);
       f.mutable_get_audit_consistency()->set_to_size(2);
     }},

    // Moderation
    {"warns",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { ask_sanction(f, s, s.removed, v1::SANCTION_KIND_WARNING, 0); }},
    {"mutes",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       ask_sanction(f, s, s.guest, v1::SANCTION_KIND_MUTE, domain::limits::mute_max_s + 1);
     }},
    {"suspends",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       ask_sanction(f, s, s.guest, v1::SANCTION_KIND_SUSPENSION,
                    domain::limits::suspension_max_s + 1);
     }},
    {"puts out",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { ask_sanction(f, s, s.removed, v1::SANCTION_KIND_KICK, 0); }},
    {"bans for a time",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       ask_sanction(f, s, s.guest, v1::SANCTION_KIND_BAN, domain::limits::ban_max_s + 1);
     }},
    {"bans from the site",
     {.site = staff},
     [](F& f, const S& s) {
       ask_sanction(f, s, s.colleague, v1::SANCTION_KIND_BAN, domain::limits::ban_max_s + 1);
       f.mutable_impose_sanction()->set_club_id(0);
     }},
    {"lifts a sanction",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_lift_sanction()->set_club_id(s.club);
       f.mutable_lift_sanction()->set_sanction_id(s.past_sanction);
     }},
    {"lifts a ban from the site",
     {.site = staff},
     [](F& f, const S& s) {
       f.mutable_lift_sanction()->set_account_id(s.guest);
       f.mutable_lift_sanction()->set_sanction_id(1);
     }},
    {"lists sanctions",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { f.mutable_list_sanctions()->set_club_id(s.club); }},
    {"finds somebody's messages",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_find_messages()->set_club_id(s.club);
       f.mutable_find_messages()->set_account_id(s.colleague);
     }},
    {"removes messages",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       auto& request = *f.mutable_remove_messages();
       request.set_club_id(s.club);
       request.set_account_id(s.colleague);
       request.set_reason(v1::REASON_CODE_SPAM);
       request.set_text(std::string(domain::limits::purpose_bytes + 1, 'a'));
       request.add_messages()->set_room_id(s.general);
       request.mutable_messages(0)->set_number(s.of_colleague);
     }},
    {"undoes a removal",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_undo_removal()->set_club_id(s.club);
       f.mutable_undo_removal()->set_removal_id(s.past_removal);
     }},
    {"lists removals",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { f.mutable_list_removals()->set_club_id(s.club); }},
    {"reports a member's message",
     {everyone, everyone, 0, staff},
     [](F& f, const S& s) {
       f.mutable_file_report()->set_club_id(s.club);
       f.mutable_file_report()->mutable_message()->set_room_id(s.general);
       f.mutable_file_report()->mutable_message()->set_number(s.of_supervisor);
       f.mutable_file_report()->set_reason(v1::REASON_CODE_SPAM);
     }},
    {"lists reports",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { f.mutable_list_reports()->set_club_id(s.club); }},
    {"lists what no committee has looked at",
     {.site = staff},
     [](F& f, const S&) { f.mutable_list_reports(); }},
    {"appeals a sanction of somebody else",
     {},
     [](F& f, const S& s) {
       f.mutable_appeal_sanction()->set_club_id(s.club);
       f.mutable_appeal_sanction()->set_sanction_id(s.past_sanction);
       f.mutable_appeal_sanction()->set_text("C'est injuste");
     }},
    {"answers an appeal",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_answer_appeal()->set_club_id(s.club);
       f.mutable_answer_appeal()->set_sanction_id(s.appealed);
       f.mutable_answer_appeal()->set_text(std::string(domain::limits::purpose_bytes + 1, 'a'));
     }},
    {"decides an appeal",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_decide_appeal()->set_club_id(s.club);
       f.mutable_decide_appeal()->set_sanction_id(s.appealed);
       f.mutable_decide_appeal()->set_text(std::string(domain::limits::purpose_bytes + 1, 'a'));
     }},
    {"decides an appeal of a ban from the site",
     {.site = staff},
     [](F& f, const S& s) {
       f.mutable_decide_appeal()->set_account_id(s.guest);
       f.mutable_decide_appeal()->set_sanction_id(1);
       f.mutable_decide_appeal()->set_text("Non");
     }},
    {"answers an appeal of a ban from the site",
     {.site = staff},
     [](F& f, const S& s) {
       f.mutable_answer_appeal()->set_account_id(s.guest);
       f.mutable_answer_appeal()->set_sanction_id(1);
       f.mutable_answer_appeal()->set_text("Non");
     }},
    {"lists appeals",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { f.mutable_list_appeals()->set_club_id(s.club); }},
    {"lists appeals to the site",
     {.site = staff},
     [](F& f, const S&) { f.mutable_list_appeals(); }},
    {"starts raid mode",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_start_raid_mode()->set_club_id(s.club);
       f.mutable_start_raid_mode()->set_text(std::string(domain::limits::purpose_bytes + 1, 'a'));
     }},
    {"ends raid mode",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_end_raid_mode()->set_club_id(s.club);
       f.mutable_end_raid_mode()->set_text(std::string(domain::limits::purpose_bytes + 1, 'a'));
     }},
    {"finds newcomers' messages",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_find_messages()->set_club_id(s.club);
       f.mutable_find_messages()->set_newcomers(true);
     }},
    {"removes newcomers' messages",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       auto& request = *f.mutable_remove_messages();
       request.set_club_id(s.club);
       request.set_newcomers(true);
       request.set_reason(v1::REASON_CODE_SPAM);
       request.set_text(std::string(domain::limits::purpose_bytes + 1, 'a'));
       request.add_messages()->set_room_id(s.general);
       request.mutable_messages(0)->set_number(s.of_colleague);
     }},
    {"claims a report",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_claim_report()->set_club_id(s.club);
       f.mutable_claim_report()->set_report_id(s.past_report);
     }},
    {"closes a report",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_resolve_report()->set_club_id(s.club);
       f.mutable_resolve_report()->set_report_id(s.past_report);
     }},
    {"lists proposals",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) { f.mutable_list_proposals()->set_club_id(s.club); }},
    {"confirms a proposal",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_decide_proposal()->set_club_id(s.club);
       f.mutable_decide_proposal()->set_proposal_id(s.past_proposal);
       f.mutable_decide_proposal()->set_confirm(true);
     }},
    {"withdraws a proposal",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_withdraw_proposal()->set_club_id(s.club);
       f.mutable_withdraw_proposal()->set_proposal_id(s.past_proposal);
     }},
    {"proposes a charter",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_propose_charter()->set_club_id(s.club);
       for (uint32_t i = 0; i <= domain::limits::charter_rules; ++i)
         f.mutable_propose_charter()->add_rules();
     }},
    {"reads the charter",
     {everyone, everyone, on_the_way | suspended, staff},
     [](F& f, const S& s) { f.mutable_get_charter()->set_club_id(s.club); }},
    {"accepts a charter that was replaced",
     {everyone, everyone, on_the_way | suspended, staff, never_was},
     [](F& f, const S& s) {
       f.mutable_accept_charter()->set_club_id(s.club);
       f.mutable_accept_charter()->set_version(77);
     }},
    {"asks for the ladder's next step",
     {committee, no_role, 0, staff},
     [](F& f, const S& s) {
       f.mutable_suggest_sanction()->set_club_id(s.club);
       f.mutable_suggest_sanction()->set_account_id(s.colleague);
       f.mutable_suggest_sanction()->set_reason(v1::REASON_CODE_SPAM);
     }},
    {"mutes on behalf of the committee",
     {bit(v1::CLUB_ROLE_SUPERVISOR), no_role, 0, staff},
     [](F& f, const S& s) {
       ask_sanction(f, s, s.guest, v1::SANCTION_KIND_MUTE, domain::limits::mute_max_s + 1);
       f.mutable_impose_sanction()->mutable_on_behalf();
     }},
    {"lists own sanctions",
     {.site = anyone},
     [](F& f, const S&) { f.mutable_list_own_sanctions(); }},

    // The operator's console
    {"makes a backup", {.site = owner}, [](F& f, const S&) { f.mutable_create_backup(); }},
    {"sees figures", {.site = staff}, [](F& f, const S&) { f.mutable_get_stats(); }},
    {"finds an account",
     {.site = staff},
     [](F& f, const S&) { f.mutable_find_account()->set_login("colleague"); }},
};

// --- A site without sockets ---

template <class Function, class Value>
runtime::Task<> keep(runtime::Shard& shard, Function function, std::optional<Value>& out) {
  out.emplace(co_await shard.call(std::move(function)));
}

struct Folder {
  Folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "amicale-gate-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

// The system's time, and how far a test has moved it.
class MovableClock final : public runtime::Clock {
 public:
  int64_t now_ms() const override { return system_.now_ms() + moved_ms_; }
  int64_t steady_ms() const override { return system_.steady_ms(); }
  void move(int64_t ms) { moved_ms_ += ms; }

 private:
  runtime::SystemClock system_;
  std::atomic<int64_t> moved_ms_ = 0;  // the server's shards read it
};

Config gate_config(const std::filesystem::path& folder) {
  Config config = default_config();
  config.server.data_dir = folder.string();
  config.server.shards = 1;
  config.storage.ballast_mib = 0;
  config.storage.free_space_floor_mib = 0;
  config.backup.directory.clear();          // a backup that is allowed answers UNSUPPORTED
  config.limits.posts_per_10s = 1'000'000;  // a rate is not a permission
  config.antispam.enabled = false;          // … nor is a judgement of what was said
  config.limits.joins_per_minute = 0;       // nor is a raid
  return config;
}

class Site {
 public:
  Site() : core_(gate_config(folder_.path), clock_) {
    core_.answer_stats([]() -> runtime::Task<v1::GetStatsReply> { co_return v1::GetStatsReply{}; });
    core_.start();
    auto made = run([this] {
      return commands::create_site(core_.gate(),
                                   {"Site", "owner", "Owner", "correct horse battery"});
    });
    REQUIRE(made);
    owner = *made;
    scene.club = make_club("club");
    home_ = make_club("home");
    foreign_club = make_club("foreign");
    for (const auto& room : core_.gate().view().rooms_of(scene.club)) {
      if (room.name() == "général") scene.general = room.room_id();
      if (room.access() == v1::ROOM_ACCESS_ANNOUNCEMENT) scene.news = room.room_id();
      if (room.access() == v1::ROOM_ACCESS_ROLES) scene.back_room = room.room_id();
    }
    scene.friend_id = add(home_, "friend");
    scene.colleague = add(scene.club, "colleague");
    const uint64_t supervisor = add(scene.club, "supervisor");
    put(supervisor, v1::CLUB_ROLE_SUPERVISOR, v1::MEMBER_STATUS_ACTIVE);
    scene.guest = add(scene.club, "guest");
    put(scene.guest, v1::CLUB_ROLE_GUEST, v1::MEMBER_STATUS_ACTIVE);
    scene.resting = add(scene.club, "resting");
    put(scene.resting, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_PAUSED);
    scene.removed = add(scene.club, "removed");
    put(scene.removed, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_REMOVED);
    scene.banned = add(scene.club, "banned");
    put(scene.banned, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_BANNED);
    scene.of_colleague = write(scene.colleague);
    scene.of_supervisor = write(supervisor);
    scene.held = hold(scene.colleague);
    const uint64_t other = add(home_, "other");
    scene.foreign_direct = talk(scene.friend_id, other);

    v1::ClientFrame invite;
    invite.mutable_create_invitation()->set_club_id(scene.club);
    invite.mutable_create_invitation()->set_role(v1::CLUB_ROLE_MEMBER);
    invite.mutable_create_invitation()->set_max_uses(domain::limits::invitation_uses);
    scene.code = must(owner, v1::SITE_ROLE_OWNER, invite).create_invitation().code();
    invite.mutable_create_invitation()->set_max_uses(1);
    scene.owners_invitation =
        must(owner, v1::SITE_ROLE_OWNER, invite).create_invitation().invitation().invitation_id();
    v1::ClientFrame warn;
    ask_sanction(warn, scene, scene.colleague, v1::SANCTION_KIND_WARNING, 0);
    scene.past_sanction = must(owner, v1::SITE_ROLE_OWNER, warn).impose_sanction().object_id();
    v1::ClientFrame removing;
    auto& removal = *removing.mutable_remove_messages();
    removal.set_club_id(scene.club);
    removal.set_account_id(scene.colleague);
    removal.set_reason(v1::REASON_CODE_SPAM);
    removal.add_messages()->set_room_id(scene.general);
    removal.mutable_messages(0)->set_number(scene.of_colleague);
    v1::ClientFrame undoing;
    undoing.mutable_undo_removal()->set_club_id(scene.club);
    undoing.mutable_undo_removal()->set_removal_id(
        must(owner, v1::SITE_ROLE_OWNER, removing).remove_messages().object_id());
    scene.past_removal = must(owner, v1::SITE_ROLE_OWNER, undoing).undo_removal().object_id();
    scene.appealed = must(supervisor, v1::SITE_ROLE_NONE, warn).impose_sanction().object_id();
    v1::ClientFrame appealing;
    appealing.mutable_appeal_sanction()->set_club_id(scene.club);
    appealing.mutable_appeal_sanction()->set_sanction_id(scene.appealed);
    appealing.mutable_appeal_sanction()->set_text("C'est injuste");
    must(scene.colleague, v1::SITE_ROLE_NONE, appealing);
    v1::ClientFrame denying;
    denying.mutable_decide_appeal()->set_club_id(scene.club);
    denying.mutable_decide_appeal()->set_sanction_id(scene.appealed);
    denying.mutable_decide_appeal()->set_text("Non");
    must(owner, v1::SITE_ROLE_OWNER, denying);
    v1::ClientFrame proposing;
    ask_sanction(proposing, scene, scene.colleague, v1::SANCTION_KIND_BAN, 0);
    scene.past_proposal =
        must(supervisor, v1::SITE_ROLE_NONE, proposing).impose_sanction().proposal_id();
    v1::ClientFrame withdrawing;
    withdrawing.mutable_withdraw_proposal()->set_club_id(scene.club);
    withdrawing.mutable_withdraw_proposal()->set_proposal_id(scene.past_proposal);
    must(supervisor, v1::SITE_ROLE_NONE, withdrawing);
    v1::ClientFrame telling;
    telling.mutable_file_report()->set_club_id(scene.club);
    telling.mutable_file_report()->set_account_id(scene.colleague);
    telling.mutable_file_report()->set_reason(v1::REASON_CODE_SPAM);
    scene.past_report = must(scene.guest, v1::SITE_ROLE_NONE, telling).file_report().object_id();
    v1::ClientFrame closing;
    closing.mutable_resolve_report()->set_club_id(scene.club);
    closing.mutable_resolve_report()->set_report_id(scene.past_report);
    closing.mutable_resolve_report()->set_state(v1::REPORT_STATE_DISMISSED);
    must(owner, v1::SITE_ROLE_OWNER, closing);
    v1::ClientFrame ban;
    ask_sanction(ban, scene, scene.guest, v1::SANCTION_KIND_BAN, 0);
    ban.mutable_impose_sanction()->set_club_id(0);
    must(owner, v1::SITE_ROLE_OWNER, ban);
    commit(storage::PartitionId::account(scene.guest), scene.guest,
           [guest = scene.guest](const log::Deciding& now) {
             auto row = now.facts.sanction(storage::PartitionId::account(guest), 1);
             return domain::appeal_site_ban(now.account(), row ? &*row : nullptr, "C'est injuste",
                                            now.now_ms);
           });
    v1::ClientFrame refusing;
    refusing.mutable_decide_appeal()->set_account_id(scene.guest);
    refusing.mutable_decide_appeal()->set_sanction_id(1);
    refusing.mutable_decide_appeal()->set_text("Non");
    CHECK(ask(owner, v1::SITE_ROLE_OWNER, refusing).refusal().rule_id() == "appeal.own_decision");
    must(scene.friend_id, v1::SITE_ROLE_STAFF, refusing);
    v1::ClientFrame lift;
    lift.mutable_lift_sanction()->set_account_id(scene.guest);
    lift.mutable_lift_sanction()->set_sanction_id(1);
    must(owner, v1::SITE_ROLE_OWNER, lift);
    enter_subject();
  }

  ~Site() {
    run([this]() -> runtime::Task<int> {
      co_await core_.drain();
      co_return 0;
    });
    core_.stop();
  }

  // Runs a function that returns a task on the shard, and waits.
  template <class Function,
            class Value = typename runtime::TaskResult<std::invoke_result_t<Function>>::type>
  Value run(Function function) {
    std::optional<Value> out;
    runtime::asio::io_context here;
    std::exception_ptr failed;
    runtime::asio::co_spawn(here, keep(core_.shard(0), std::move(function), out),
                            [&failed](std::exception_ptr error) { failed = error; });
    here.run();
    if (failed) std::rethrow_exception(failed);
    return std::move(*out);
  }

  v1::Reply ask(uint64_t account, v1::SiteRole site_role, v1::ClientFrame frame,
                uint64_t token = 0) {
    give_msg_id(frame);
    auth::Caller caller{
        .account_id = account,
        .token_id = token,
        .site_role = site_role,
        .language = v1::LANGUAGE_EN,
        .address = "client " + std::to_string(++asked_)};  // throttles are not permissions
    return run([this, caller, frame] { return session::answer(core_.parts(), caller, frame); })
        .whole();
  }

  v1::Reply must(uint64_t account, v1::SiteRole site_role, v1::ClientFrame frame) {
    auto reply = ask(account, site_role, std::move(frame));
    REQUIRE_MESSAGE(!reply.has_refusal(), reply.ShortDebugString());
    return reply;
  }

  // The only way to some of these: no request leads everywhere at once.
  void put(uint64_t account, v1::ClubRole role, v1::MemberStatus status) {
    v1::Member member;
    member.set_account_id(account);
    member.set_display_name("someone");
    member.set_role(role);
    member.set_status(status);
    commit(storage::PartitionId::club(scene.club), account, [member](const log::Deciding& now) {
      domain::Decision decision;
      auto& put_there = *decision.add(domain::all_roles, member.account_id())
                             .event.mutable_member_changed()
                             ->mutable_member();
      put_there = member;
      put_there.set_joined_ms(now.now_ms);
      return domain::Result<domain::Decision>(std::move(decision));
    });
  }

  // A new account as the subject, which the club has never seen.
  void enter_subject() {
    scene.subject = add(home_, "subject" + std::to_string(++asked_));
    scene.direct = talk(scene.friend_id, scene.subject);
    scene.own_first = write(scene.subject);
    scene.own_second = write(scene.subject);
    scene.own_invitation =
        commit(storage::PartitionId::club(scene.club), scene.subject,
               [subject = scene.subject](const log::Deciding& now) {
                 v1::Invitation invitation;
                 invitation.set_invitation_id(now.club().last_invitation_id() + 1);
                 invitation.set_club_id(now.club().id());
                 invitation.set_role(v1::CLUB_ROLE_MEMBER);
                 invitation.set_created_by(subject);
                 domain::Decision decision{.object_id = invitation.invitation_id()};
                 const std::string hash = auth::digest(message_id());
                 domain::add_invitation(decision, domain::committee_and_above, subject,
                                        {.code_hash = hash}, invitation);
                 return domain::Result<domain::Decision>(std::move(decision));
               });
  }

  // Puts the subject's membership where it is wanted, if it is not there.
  void place(const Standing& who) {
    auto row = core_.gate().view().member(scene.club, scene.subject);
    if (who.status == v1::MEMBER_STATUS_UNSPECIFIED) {
      if (row) enter_subject();
    } else if (!row || row->role() != who.role || row->status() != who.status) {
      put(scene.subject, who.role, who.status);
    }
  }

  bool is_muted(uint64_t room) {
    for (const auto& row :
         core_.gate().view().sanctions_on(scene.subject, storage::PartitionId::club(scene.club))) {
      if (row.sanction().end() == v1::SANCTION_END_UNSPECIFIED && row.sanction().room_id() == room)
        return true;
    }
    return false;
  }

  // By the owner, whom nobody is above: a subject of every role is muted.
  void mute(uint64_t room) {
    v1::ClientFrame frame;
    ask_sanction(frame, scene, scene.subject, v1::SANCTION_KIND_MUTE, 86'400);
    frame.mutable_impose_sanction()->set_room_id(room);
    must(owner, v1::SITE_ROLE_OWNER, frame);
  }

  void unmute() {
    for (const auto& row :
         core_.gate().view().sanctions_on(scene.subject, storage::PartitionId::club(scene.club))) {
      if (row.sanction().end() != v1::SANCTION_END_UNSPECIFIED) continue;
      v1::ClientFrame frame;
      frame.mutable_lift_sanction()->set_club_id(scene.club);
      frame.mutable_lift_sanction()->set_sanction_id(row.sanction().sanction_id());
      must(owner, v1::SITE_ROLE_OWNER, frame);
    }
  }

  void move_clock(int64_t ms) { clock_.move(ms); }

  uint64_t club_head() {
    return core_.gate().view().head(storage::PartitionId::club(scene.club)).seq();
  }

  // A live device of the subject.
  uint64_t device() {
    return commit(
        storage::PartitionId::account(scene.subject), scene.subject, [](const log::Deciding& now) {
          return domain::issue_token(now.account(), auth::digest(message_id()), "test", now.now_ms);
        });
  }

  static void give_msg_id(v1::ClientFrame& frame) {
    const auto* reflection = frame.GetReflection();
    const auto* body =
        reflection->GetOneofFieldDescriptor(frame, v1::ClientFrame::descriptor()->oneof_decl(0));
    if (!body) return;
    auto* request = reflection->MutableMessage(&frame, body);
    const auto* id = request->GetDescriptor()->FindFieldByName("client_msg_id");
    if (id) request->GetReflection()->SetString(request, id, message_id());
  }

  Scene scene;
  uint64_t owner = 0;
  uint64_t foreign_club = 0;

 private:
  template <class Decide>
  uint64_t commit(storage::PartitionId where, uint64_t actor, Decide decide) {
    auto outcome = run([this, where, actor, decide] {
      return core_.gate().site.submit(
          where, log::Command{.actor = actor, .client_msg_id = {}, .decide = decide});
    });
    REQUIRE(outcome);
    return outcome->committed.object_id();
  }

  uint64_t make_club(const std::string& slug) {
    v1::ClientFrame frame;
    frame.mutable_create_club()->set_slug(slug);
    frame.mutable_create_club()->set_name(slug);
    frame.mutable_create_club()->set_kind(v1::CLUB_KIND_SOCIAL);
    frame.mutable_create_club()->set_language(v1::LANGUAGE_FR);
    return must(owner, v1::SITE_ROLE_OWNER, frame).create_club().object_id();
  }

  uint64_t add(uint64_t club, const std::string& login) {
    v1::ClientFrame frame;
    frame.mutable_add_member()->set_club_id(club);
    frame.mutable_add_member()->set_login(login);
    frame.mutable_add_member()->set_display_name(login);
    frame.mutable_add_member()->set_role(v1::CLUB_ROLE_MEMBER);
    return must(owner, v1::SITE_ROLE_OWNER, frame).add_member().account_id();
  }

  // A message of somebody's in the room of all; its number.
  uint64_t write(uint64_t author) {
    return commit(
        storage::PartitionId::club(scene.club), author,
        [room = scene.general](const log::Deciding& now) {
          domain::Decision decision{.object_id = now.club().find_room(room)->head_number + 1};
          auto* posted = decision.add(domain::all_roles).event.mutable_message_posted();
          posted->set_room_id(room);
          posted->set_number(decision.object_id);
          posted->set_body("le mien");
          return domain::Result<domain::Decision>(std::move(decision));
        });
  }

  // A message of somebody's that waits for the committee; its held id.
  uint64_t hold(uint64_t author) {
    return commit(
        storage::PartitionId::club(scene.club), author,
        [room = scene.general, author](const log::Deciding& now) {
          domain::Decision decision{.object_id = now.club().last_held_id() + 1};
          auto* held =
              decision.add(domain::committee_and_above, author).event.mutable_message_held();
          held->set_held_id(decision.object_id);
          held->set_room_id(room);
          held->set_body("retenu");
          return domain::Result<domain::Decision>(std::move(decision));
        });
  }

  // An open conversation of two who share a club.
  uint64_t talk(uint64_t a, uint64_t b) {
    v1::ClientFrame frame;
    frame.mutable_open_direct()->set_account_id(b);
    const uint64_t direct = must(a, v1::SITE_ROLE_NONE, frame).open_direct().object_id();
    frame.mutable_answer_direct()->set_direct_id(direct);
    frame.mutable_answer_direct()->set_accept(true);
    must(b, v1::SITE_ROLE_NONE, frame);
    return direct;
  }

  Folder folder_;
  MovableClock clock_;
  Core core_;
  uint64_t home_ = 0;
  unsigned asked_ = 0;
};

bool permits(const v1::Reply& reply) {
  if (!reply.has_refusal()) return true;
  switch (reply.refusal().code()) {
    case v1::REFUSAL_CODE_NOT_FOUND:
    case v1::REFUSAL_CODE_FORBIDDEN:
    case v1::REFUSAL_CODE_NOT_ACTIVE:
    case v1::REFUSAL_CODE_SANCTIONED:
    case v1::REFUSAL_CODE_RAID_MODE:
    case v1::REFUSAL_CODE_UNAUTHENTICATED: return false;
    default: return true;
  }
}

// Whether the request names the club.
bool is_in_club(const Case& row, const Scene& scene) {
  Scene elsewhere = scene;
  elsewhere.club = scene.club + 1;
  v1::ClientFrame here;
  v1::ClientFrame there;
  row.fill(here, scene);
  row.fill(there, elsewhere);
  return here.SerializeAsString() != there.SerializeAsString();
}

std::vector<Standing> standings() {
  std::vector<Standing> all;
  for (int site = v1::SITE_ROLE_NONE; site <= v1::SiteRole_MAX; ++site) {
    all.push_back({.site = static_cast<v1::SiteRole>(site)});
    for (int role = v1::CLUB_ROLE_GUEST; role <= v1::ClubRole_MAX; ++role) {
      for (int status = v1::MEMBER_STATUS_INVITED; status <= v1::MemberStatus_MAX; ++status) {
        all.push_back({static_cast<v1::SiteRole>(site), static_cast<v1::ClubRole>(role),
                       static_cast<v1::MemberStatus>(status)});
      }
    }
  }
  return all;
}

TEST_CASE(
    "every request is permitted exactly to the roles, statuses and site roles that the house "
    "says") {
  Site site;
  std::set<v1::ClientFrame::BodyCase> covered;
  for (const Case& row : cases) {
    v1::ClientFrame frame;
    row.fill(frame, site.scene);
    covered.insert(frame.body_case());
  }
  for (const auto& route : session::routes()) {
    if (route.entry != session::Entry::account || !route.handler) continue;
    CHECK_MESSAGE(covered.contains(route.body), session::request_name(route.body),
                  " has no expectation");
  }

  const auto all = standings();
  CHECK(all.size() == 3 * (6 * 10 + 1));
  for (const Standing& who : all) {
    for (const Case& row : cases) {
      site.place(who);
      v1::ClientFrame frame;
      row.fill(frame, site.scene);
      const uint64_t token = frame.has_logout() ? site.device() : 0;
      const auto reply = site.ask(site.scene.subject, who.site, frame, token);
      const bool expected = expects(row.expected, who);
      const bool outsider = who.site == v1::SITE_ROLE_NONE && (outside & bit(who.status)) != 0;
      const std::string told = std::string(row.says) + ": " + v1::SiteRole_Name(who.site) + " " +
                               v1::ClubRole_Name(who.role) + " " +
                               v1::MemberStatus_Name(who.status) + " got " +
                               reply.ShortDebugString();
      if (permits(reply) != expected) {
        FAIL_CHECK(told << (expected ? ", should pass" : ", should be refused"));
      } else if (!expected && outsider && is_in_club(row, site.scene) &&
                 reply.refusal().code() != v1::REFUSAL_CODE_NOT_FOUND) {
        FAIL_CHECK(told << ", tells an outsider of the club");
      }
      if (reply.refusal().code() == v1::REFUSAL_CODE_INTERNAL ||
          reply.refusal().code() == v1::REFUSAL_CODE_UNAVAILABLE ||
          reply.refusal().code() == v1::REFUSAL_CODE_BAD_REQUEST) {
        FAIL_CHECK(told << ", never reached its rule");
      }
    }
  }
}

// What stays open to somebody who is muted: reading, leaving, what is between two who agreed, one's own account, the site's
// offices. Every other request that is granted without the mute must be refused with it: a new one fails here until it is
// either held back or named.
const std::set<std::string> open_to_the_muted = {"lists what is held",
                                                 "asks how well the club knows oneself",
                                                 "asks how well the club knows another",
                                                 "checks the own case",
                                                 "checks another's case",
                                                 "reads every act",
                                                 "reads every act of the site",
                                                 "checks that the log of acts goes on",
                                                 "opens an invitation to the club",
                                                 "changes the password",
                                                 "changes the profile",
                                                 "lists devices",
                                                 "revokes all own devices",
                                                 "revokes somebody's devices",
                                                 "logs out",
                                                 "marks a room as read",
                                                 "marks the committee's room as read",
                                                 "sets a room's level",
                                                 "lists clubs",
                                                 "lists conversations",
                                                 "makes a club",
                                                 "invites to the site",
                                                 "lists invitations",
                                                 "lists the site's invitations",
                                                 "leaves",
                                                 "lists members",
                                                 "looks up names",
                                                 "sets a site role",
                                                 "reads a room",
                                                 "reads the committee's room",
                                                 "counts a mention",
                                                 "unblocks",
                                                 "answers a conversation",
                                                 "posts in a conversation",
                                                 "bans from the site",
                                                 "lifts a ban from the site",
                                                 "lists sanctions",
                                                 "finds somebody's messages",
                                                 "finds newcomers' messages",
                                                 "lists removals",
                                                 "reports a member's message",
                                                 "lists reports",
                                                 "lists what no committee has looked at",
                                                 "lists appeals",
                                                 "lists appeals to the site",
                                                 "answers an appeal of a ban from the site",
                                                 "decides an appeal of a ban from the site",
                                                 "lists proposals",
                                                 "reads the charter",
                                                 "accepts a charter that was replaced",
                                                 "asks for the ladder's next step",
                                                 "lists own sanctions",
                                                 "makes a backup",
                                                 "sees figures",
                                                 "finds an account"};

// Of these, what a mute of the general room alone holds back.
const std::set<std::string> held_in_a_room = {"changes a room",
                                              "posts",
                                              "calls everyone",
                                              "calls the committee",
                                              "edits the own message",
                                              "deletes the own message",
                                              "deletes a member's message",
                                              "deletes a supervisor's message",
                                              "reacts",
                                              "pins",
                                              "imports",
                                              "brings back a member's message",
                                              "locks a member's message",
                                              "locks a supervisor's message"};

// A frame as POST /v1/call would bring it: through the JSON form and back.
v1::ClientFrame by_call(v1::ClientFrame frame) {
  std::string json;
  REQUIRE(google::protobuf::util::MessageToJsonString(frame, &json).ok());
  auto read = http::read_call(json);
  REQUIRE_MESSAGE(read, json);
  return *read;
}

TEST_CASE("a muted member changes nothing, by any request, in any role and by either way in") {
  Site site;
  unsigned held_back = 0;
  for (int role = v1::CLUB_ROLE_GUEST; role <= v1::ClubRole_MAX; ++role) {
    for (const auto site_role : {v1::SITE_ROLE_NONE, v1::SITE_ROLE_STAFF}) {
      for (const uint64_t room : {uint64_t{0}, site.scene.general}) {
        for (const Case& row : cases) {
          const Standing who{site_role, static_cast<v1::ClubRole>(role), v1::MEMBER_STATUS_ACTIVE};
          site.place(who);
          if (!site.is_muted(room)) site.mute(room);
          v1::ClientFrame frame;
          row.fill(frame, site.scene);
          if ((role + static_cast<int>(room)) % 2 == 0) frame = by_call(frame);
          const uint64_t token = frame.has_logout() ? site.device() : 0;
          const uint64_t before = site.club_head();
          const auto reply = site.ask(site.scene.subject, site_role, frame, token);
          const std::string says = row.says;
          const bool granted = expects(row.expected, who);
          const bool held = granted && !open_to_the_muted.contains(says) &&
                            (room == 0 || held_in_a_room.contains(says));
          const std::string told = says + ": " + v1::ClubRole_Name(who.role) + " muted in room " +
                                   std::to_string(room) + " got " + reply.ShortDebugString();
          // Asking for a conversation is judged by the clubs that the two share.
          const bool elsewhere = says == "asks for a conversation" && room == 0;
          if (held || elsewhere) {
            ++held_back;
            if (reply.refusal().code() != v1::REFUSAL_CODE_SANCTIONED ||
                reply.refusal().sanction().sanction_id() == 0 ||
                reply.refusal().retry_after_ms() == 0) {
              FAIL_CHECK(told << ", should be held back by the mute");
            }
          } else if (permits(reply) != granted) {
            FAIL_CHECK(told << (granted ? ", should pass" : ", should be refused"));
          }
          if (held && site.club_head() != before) FAIL_CHECK(told << ", and something was done");
        }
        site.unmute();
      }
    }
  }
  CHECK(held_back > 200);
}

TEST_CASE(
    "a sanction ends by the clock: whoever asks first afterwards is answered, and it is said") {
  for (const auto kind : {v1::SANCTION_KIND_MUTE, v1::SANCTION_KIND_SUSPENSION}) {
    CAPTURE(v1::SanctionKind_Name(kind));
    Site site;
    site.place({v1::SITE_ROLE_NONE, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE});
    v1::ClientFrame frame;
    ask_sanction(frame, site.scene, site.scene.subject, kind, 3'600);
    const uint64_t sanction =
        site.must(site.owner, v1::SITE_ROLE_OWNER, frame).impose_sanction().object_id();
    v1::ClientFrame post;
    in_room(post.mutable_post_message(), site.scene, site.scene.general)->set_body("bonjour");
    v1::ClientFrame read;
    in_room(read.mutable_get_history(), site.scene, site.scene.general)->set_before(1);
    constexpr int64_t nearly = 3'590'000;
    site.move_clock(nearly);
    CHECK(site.ask(site.scene.subject, v1::SITE_ROLE_NONE, post).refusal().code() ==
          v1::REFUSAL_CODE_SANCTIONED);
    const bool reads = !site.ask(site.scene.subject, v1::SITE_ROLE_NONE, read).has_refusal();
    CHECK(reads == (kind == v1::SANCTION_KIND_MUTE));
    site.move_clock(3'600'000 - nearly);
    // The server's own look comes once a second; nobody waits for it.
    CHECK(!site.ask(site.scene.subject, v1::SITE_ROLE_NONE, read).has_refusal());
    CHECK(!site.ask(site.scene.subject, v1::SITE_ROLE_NONE, post).has_refusal());
    // A clock that goes back brings nothing back.
    site.move_clock(-3'600'000);
    CHECK(!site.ask(site.scene.subject, v1::SITE_ROLE_NONE, post).has_refusal());
    v1::ClientFrame own;
    own.mutable_list_own_sanctions();
    const auto mine = site.must(site.scene.subject, v1::SITE_ROLE_NONE, own).list_own_sanctions();
    REQUIRE(mine.cases_size() == 1);
    CHECK(mine.cases(0).sanction().sanction_id() == sanction);
  }
}

TEST_CASE("in raid mode a newcomer changes nothing, by any request and by either way in") {
  for (const bool older : {false, true}) {
    CAPTURE(older);
    Site site;
    const Standing who{v1::SITE_ROLE_NONE, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE};
    site.place(who);
    if (older) site.move_clock(domain::limits::newcomer_ms + 60'000);
    v1::ClientFrame start;
    start.mutable_start_raid_mode()->set_club_id(site.scene.club);
    start.mutable_start_raid_mode()->set_duration_s(3'600);
    site.must(site.owner, v1::SITE_ROLE_OWNER, start);
    unsigned held_back = 0;
    for (const Case& row : cases) {
      const std::string says = row.says;
      // Whoever leaves and is put back has come anew.
      if (older && says == "leaves") continue;
      site.place(who);
      v1::ClientFrame frame;
      row.fill(frame, site.scene);
      if (says.size() % 2 == 0) frame = by_call(frame);
      const uint64_t token = frame.has_logout() ? site.device() : 0;
      const uint64_t before = site.club_head();
      const auto reply = site.ask(site.scene.subject, v1::SITE_ROLE_NONE, frame, token);
      const bool granted = expects(row.expected, who);
      const bool asks = says == "asks for a conversation";
      // Nobody makes an invitation meanwhile, however long they have been here.
      const bool invites =
          frame.has_create_invitation() && frame.create_invitation().club_id() != 0;
      const bool held = granted && (older ? invites : asks || !open_to_the_muted.contains(says));
      const std::string told = says + " got " + reply.ShortDebugString();
      if (held) {
        ++held_back;
        if (reply.refusal().code() != v1::REFUSAL_CODE_RAID_MODE ||
            reply.refusal().until_ms() == 0 || reply.refusal().retry_after_ms() == 0) {
          FAIL_CHECK(told << ", should be held back by raid mode");
        }
        if (site.club_head() != before) FAIL_CHECK(told << ", and something was done");
      } else if (permits(reply) != granted) {
        FAIL_CHECK(told << (granted ? ", should pass" : ", should be refused otherwise"));
      }
    }
    CHECK(held_back >= (older ? 1 : 8));
    // A new name is known everywhere, so it waits as well; and all is as before by the clock.
    v1::ClientFrame rename;
    rename.mutable_change_profile()->set_display_name("Another Name");
    const auto renamed = site.ask(site.scene.subject, v1::SITE_ROLE_NONE, rename);
    CHECK((renamed.refusal().code() == v1::REFUSAL_CODE_RAID_MODE) == !older);
    site.move_clock(3'600'000);
    CHECK(!site.ask(site.scene.subject, v1::SITE_ROLE_NONE, rename).has_refusal());
    v1::ClientFrame post;
    in_room(post.mutable_post_message(), site.scene, site.scene.general)->set_body("bonjour");
    CHECK(!site.ask(site.scene.subject, v1::SITE_ROLE_NONE, post).has_refusal());
  }
}

TEST_CASE("a report waits for the committee, and after its deadline for site staff as well") {
  Site site;
  site.place({v1::SITE_ROLE_NONE, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE});
  v1::ClientFrame file;
  file.mutable_file_report()->set_club_id(site.scene.club);
  file.mutable_file_report()->set_account_id(site.scene.guest);
  file.mutable_file_report()->set_reason(v1::REASON_CODE_SPAM);
  site.must(site.scene.subject, v1::SITE_ROLE_NONE, file);
  v1::ClientFrame everywhere;
  everywhere.mutable_list_reports();
  const auto waiting = [&] {
    return site.must(site.owner, v1::SITE_ROLE_OWNER, everywhere).list_reports().reports_size();
  };
  CHECK(waiting() == 0);
  site.move_clock(domain::limits::report_due_ms + 1'000);
  CHECK(waiting() == 1);
}

TEST_CASE("a muted member keeps the name that the club knows") {
  Site site;
  site.place({v1::SITE_ROLE_NONE, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE});
  site.mute(0);
  v1::ClientFrame rename;
  rename.mutable_change_profile()->set_display_name("Another Name");
  const auto reply = site.ask(site.scene.subject, v1::SITE_ROLE_NONE, rename);
  CHECK(reply.refusal().code() == v1::REFUSAL_CODE_SANCTIONED);
  site.unmute();
  CHECK(!site.ask(site.scene.subject, v1::SITE_ROLE_NONE, rename).has_refusal());
}

TEST_CASE("a club that one is no member of and one that does not exist answer in the same bytes") {
  Site site;
  constexpr uint64_t made_up = 7'777;
  for (const Case& row : cases) {
    if (!is_in_club(row, site.scene)) continue;
    CAPTURE(std::string(row.says));
    Scene theirs = site.scene;
    theirs.club = site.foreign_club;
    Scene nowhere = site.scene;
    nowhere.club = made_up;
    v1::ClientFrame one;
    v1::ClientFrame two;
    row.fill(one, theirs);
    row.fill(two, nowhere);
    const auto foreign = site.ask(site.scene.subject, v1::SITE_ROLE_NONE, one);
    const auto absent = site.ask(site.scene.subject, v1::SITE_ROLE_NONE, two);
    CHECK(foreign.refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
    CHECK(foreign.SerializeAsString() == absent.SerializeAsString());
    // Whoever runs the site makes nothing of a club that is not there either.
    const auto to_owner = site.ask(site.owner, v1::SITE_ROLE_OWNER, two);
    CHECK_MESSAGE(to_owner.refusal().code() == v1::REFUSAL_CODE_NOT_FOUND,
                  to_owner.ShortDebugString());
  }
}

TEST_CASE("an account that shares no club and one that does not exist answer in the same bytes") {
  Site site;
  constexpr uint64_t made_up = 7'777;
  const auto answers_alike = [&](auto fill, uint64_t stranger, uint64_t absent) {
    v1::ClientFrame one;
    v1::ClientFrame two;
    fill(one, stranger);
    fill(two, absent);
    const auto first = site.ask(site.scene.subject, v1::SITE_ROLE_NONE, one);
    const auto second = site.ask(site.scene.subject, v1::SITE_ROLE_NONE, two);
    CHECK(first.refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
    CHECK(first.SerializeAsString() == second.SerializeAsString());
  };
  answers_alike([](F& f, uint64_t id) { f.mutable_open_direct()->set_account_id(id); },
                site.scene.colleague, made_up);
  answers_alike([](F& f, uint64_t id) { f.mutable_block_direct()->set_account_id(id); },
                site.scene.colleague, made_up);
  const uint64_t strange = domain::direct_id(made_up, made_up + 1);
  answers_alike([](F& f, uint64_t id) { f.mutable_answer_direct()->set_direct_id(id); },
                site.scene.foreign_direct, strange);
  answers_alike(
      [](F& f, uint64_t id) {
        *f.mutable_post_message()->mutable_stream() = support::direct_stream(id);
        f.mutable_post_message()->set_body("?");
      },
      site.scene.foreign_direct, strange);
  answers_alike(
      [](F& f, uint64_t id) {
        *f.mutable_get_history()->mutable_stream() = support::direct_stream(id);
        f.mutable_get_history()->set_before(1);
      },
      site.scene.foreign_direct, strange);
}

TEST_CASE("whoever is not authenticated is told so, whatever they ask of an account's") {
  Site site;
  for (const Case& row : cases) {
    v1::ClientFrame frame;
    row.fill(frame, site.scene);
    CAPTURE(std::string(row.says));
    const auto reply = site.ask(0, v1::SITE_ROLE_UNSPECIFIED, frame);
    CHECK(reply.refusal().code() == v1::REFUSAL_CODE_UNAUTHENTICATED);
  }
}

TEST_CASE(
    "on a connection that said Hello alone, every request of an account's is UNAUTHENTICATED") {
  support::RunningServer running([](Config& config) { config.limits.request_burst = 1'000; });
  support::WireClient client(running.port());
  client.enter("");
  for (const auto& route : session::routes()) {
    if (route.entry != session::Entry::account) continue;
    CAPTURE(session::request_name(route.body));
    v1::ClientFrame frame;
    const auto* field = v1::ClientFrame::descriptor()->FindFieldByNumber(route.body);
    frame.GetReflection()->MutableMessage(&frame, field);
    CHECK(client.call(frame).refusal().code() == v1::REFUSAL_CODE_UNAUTHENTICATED);
  }
}

TEST_CASE("frame.proto and the route table name the same requests, and each has its reply") {
  std::map<int, std::string> requests;
  std::map<int, std::string> replies;
  const auto* asked = v1::ClientFrame::descriptor()->oneof_decl(0);
  for (int i = 0; i < asked->field_count(); ++i)
    requests[asked->field(i)->number()] = asked->field(i)->name();
  const auto* answered = v1::Reply::descriptor()->oneof_decl(0);
  for (int i = 0; i < answered->field_count(); ++i)
    replies[answered->field(i)->number()] = answered->field(i)->name();
  CHECK(requests == replies);

  std::set<int> routed;
  for (const auto& route : session::routes()) {
    CHECK_MESSAGE(routed.insert(route.body).second, session::request_name(route.body),
                  " has two rows");
    CHECK_MESSAGE(requests.contains(route.body), "a row for number ", static_cast<int>(route.body));
    CHECK(session::find_route(route.body) == &route);
    // Without a handler, the session answers.
    CHECK((route.handler != nullptr || route.page != nullptr) ==
          (route.kind == session::Kind::command || route.kind == session::Kind::query));
    CHECK(route.cost > 0);
    CHECK((route.entry == session::Entry::anyone) == !route.action.has_value());
  }
  for (const auto& [number, name] : requests)
    CHECK_MESSAGE(routed.contains(number), name, " has no row");
}

}  // namespace
}  // namespace amicale
