// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/unit/storage_site.h"

namespace amicale::storage_test {

using storage::PartitionId;

void tell_everything(storage::Database& database) {
  const auto site = PartitionId::site();
  const auto club = PartitionId::club(1);
  const auto direct = PartitionId::direct(storage::direct_id_of(7, 8));
  commit(database, site,
         {{"time_ms: 1 site_created { name: 'Alumni' }"},
          {"time_ms: 1 account_registered { account_id: 7 login: 'ada' display_name: 'Ada' }",
           "external_id: 'A-7'"},
          {"time_ms: 2 account_registered { account_id: 8 login: 'bob' display_name: 'Bob' }"},
          {"time_ms: 2 site_role_changed { account_id: 7 role: SITE_ROLE_OWNER }"},
          {"time_ms: 3 club_registered { club_id: 1 slug: 'rh' name: 'RH' }"}});
  commit(database, PartitionId::account(7),
         {{"time_ms: 4 actor: 7 profile_changed { display_name: 'Ada L' language: LANGUAGE_EN }"},
          {"time_ms: 4 actor: 7 password_changed {}", "password_hash: '$argon2id$1'"},
          {"time_ms: 5 actor: 7 token_issued { token_id: 1 device_name: 'phone' }",
           "token_hash: 'hash-of-token-one-32-bytes-long!'"},
          {"time_ms: 6 actor: 7 token_issued { token_id: 2 device_name: 'desk' }",
           "token_hash: 'hash-of-token-two-32-bytes-long!'"},
          {"time_ms: 7 actor: 7 token_revoked { token_id: 1 }"},
          {"time_ms: 8 actor: 7 level_set { level { stream { kind: STREAM_KIND_CLUB id: 1 } "
           "room_id: 1 level: NOTIFICATION_LEVEL_ALL } }"},
          {"time_ms: 8 membership_noticed { club_id: 1 role: CLUB_ROLE_PRESIDENT }"}});
  commit(
      database, club,
      {{"time_ms: 3 club_created { club { club_id: 1 slug: 'rh' name: 'RH' capacity: 100 } }"},
       {"time_ms: 3 room_created { room { room_id: 1 name: 'Hall' access: ROOM_ACCESS_ALL } }"},
       {"time_ms: 4 member_changed { member { account_id: 7 display_name: 'Ada' "
        "role: CLUB_ROLE_PRESIDENT status: MEMBER_STATUS_ACTIVE } }"},
       {"time_ms: 5 invitation_created { invitation { invitation_id: 1 club_id: 1 max_uses: 2 } }",
        "invitation_hash: 'hash-of-code-one-32-bytes-long!!' invitation_account: 8"},
       {"time_ms: 6 invitation_used { invitation_id: 1 account_id: 8 }"},
       {"time_ms: 6 member_changed { member { account_id: 8 display_name: 'Bob' "
        "role: CLUB_ROLE_MEMBER status: MEMBER_STATUS_ACTIVE } }"},
       {"time_ms: 7 invitation_revoked { invitation_id: 1 }"},
       {"time_ms: 8 club_changed { name: 'RH Paris' purpose: 'Talk' capacity: 50 }"}});
  commit(database, club,
         {{"time_ms: 10 actor: 7 client_msg_id: '0123456789abcdef' "
           "message_posted { room_id: 1 number: 1 body: 'hello' }"}},
         {.request_kind = 60, .object_id = 1});
  commit(
      database, club,
      {{"time_ms: 11 actor: 8 message_posted { room_id: 1 number: 2 body: 'secret words' "
        "mentions { accounts: 7 } }"},
       {"time_ms: 12 actor: 8 message_edited { room_id: 1 number: 2 body: 'softer words' }",
        "previous_body: 'secret words'"},
       {"time_ms: 12 actor: 7 reaction_changed { room_id: 1 number: 2 emoji: '+1' added: true }"},
       {"time_ms: 12 actor: 7 reaction_changed { room_id: 1 number: 1 emoji: '+1' added: true }"},
       {"time_ms: 13 actor: 7 message_pinned { room_id: 1 number: 1 pinned: true }"},
       {"time_ms: 14 actor: 8 message_edited { room_id: 1 number: 2 body: 'third words' }",
        "previous_body: 'softer words'"},
       {"time_ms: 15 actor: 7 message_deleted { room_id: 1 number: 2 }",
        "previous_body: 'third words'"},
       {"time_ms: 15 actor: 7 message_restored { room_id: 1 number: 2 body: 'third words' }"},
       {"time_ms: 15 actor: 7 message_locked { room_id: 1 number: 2 locked: true }"},
       {"time_ms: 15 actor: 7 message_deleted { room_id: 1 number: 2 reason: REASON_CODE_SPAM }",
        "previous_body: 'third words'"},
       {"time_ms: 16 actor: 7 room_changed { room { room_id: 1 name: 'Big hall' } }"}});
  commit(database, club,
         {{"time_ms: 17 client_msg_id: 'fedcba9876543210' report_filed { report_id: 1 }",
           "hidden_actor: 7 filing { account_id: 8 message { room_id: 1 number: 2 } text: 'look' "
           "weight: 2 due_ms: 50 } evidence { room_id: 1 number: 2 body: 'third words' }"}},
         {.request_kind = 128, .object_id = 1});
  commit(database, club,
         {{"time_ms: 17 report_filed { report_id: 2 }",
           "hidden_actor: 7 filing { account_id: 8 weight: 2 due_ms: 60 }"},
          {"time_ms: 17 actor: 9 report_claimed { report_id: 2 account_id: 9 until_ms: 99 }"},
          {"time_ms: 17 actor: 9 report_resolved { report_id: 2 state: REPORT_STATE_ACTED }"},
          {"time_ms: 17 actor: 7 messages_removed { removal { removal_id: 1 account_id: 8 } }"},
          {"time_ms: 17 actor: 7 removal_undone { removal_id: 1 }"}});
  commit(database, club,
         {{"time_ms: 17 actor: 7 sanction_imposed { sanction { sanction_id: 1 club_id: 1 "
           "account_id: 8 kind: SANCTION_KIND_MUTE until_ms: 100 } }",
           "note: 'a private word' evidence { room_id: 1 number: 2 body: 'third words' }"},
          {"time_ms: 17 actor: 7 sanction_imposed { sanction { sanction_id: 2 club_id: 1 "
           "account_id: 8 kind: SANCTION_KIND_MUTE room_id: 1 until_ms: 90 } }"},
          {"time_ms: 18 actor: 7 sanction_ended { sanction_id: 2 account_id: 8 "
           "end: SANCTION_END_LIFTED text: 'sorry' }"},
          {"time_ms: 18 actor: 8 appeal_said { sanction_id: 1 account_id: 8 text: 'not fair words' "
           "due_ms: 70 }"},
          {"time_ms: 18 actor: 9 appeal_said { sanction_id: 1 account_id: 8 text: 'more words' "
           "due_ms: 70 }"},
          {"time_ms: 18 actor: 8 appeal_said { sanction_id: 2 account_id: 8 text: 'nor this' "
           "due_ms: 70 }"},
          {"time_ms: 19 actor: 9 appeal_decided { sanction_id: 2 account_id: 8 text: 'no' }"}});
  commit(
      database, direct,
      {{"time_ms: 20 actor: 8 direct_changed { status: DIRECT_STATUS_REQUESTED requested_by: 8 }"},
       {"time_ms: 21 actor: 7 direct_changed { status: DIRECT_STATUS_OPEN requested_by: 8 }"},
       {"time_ms: 22 actor: 7 message_posted { number: 1 body: 'psst' }"}});
  commit(database, PartitionId::account(8),
         {{"time_ms: 23 actor: 8 read_marked { mark { stream { kind: STREAM_KIND_CLUB id: 1 } "
           "room_id: 1 number: 2 } }"},
          {"time_ms: 24 direct_noticed { direct_id: 1 }"},
          {"time_ms: 25 actor: 7 sanction_imposed { sanction { sanction_id: 1 account_id: 8 "
           "kind: SANCTION_KIND_BAN until_ms: 200 } }"},
          {"time_ms: 26 actor: 8 appeal_said { sanction_id: 1 account_id: 8 text: 'why' "
           "due_ms: 90 }"}});
}

}  // namespace amicale::storage_test
