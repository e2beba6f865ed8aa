// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/apply.h"

#include <algorithm>

#include "storage/view.h"

namespace amicale::storage {

namespace {

// One event on its way into the rows of its partition. Lives for one call of apply.
class Applying {
 public:
  Applying(Batch& batch, PartitionId partition, const v1::Event& event,
           const store::PrivatePart& private_part)
      : batch_(batch), view_(batch), partition_(partition), event_(event), private_(private_part) {}

  void run();

 private:
  template <class Row>
  Row row_or_new(Family family, const std::string& key) const {
    Row row;
    view_.load(family, key, row);
    return row;
  }
  void put(const std::string& key, const google::protobuf::MessageLite& row) {
    batch_.put(Family::state, key, row);
  }
  uint64_t id() const { return partition_.id; }

  void on(const v1::SiteCreated& e);
  void on(const v1::ClubRegistered& e);
  void on(const v1::AccountRegistered& e);
  void on(const v1::SiteRoleChanged& e);
  void on(const v1::ProfileChanged& e);
  void on(const v1::PasswordChanged& e);
  void on(const v1::TokenIssued& e);
  void on(const v1::TokenRevoked& e);
  void on(const v1::ReadMarked& e);
  void on(const v1::LevelSet& e);
  void on(const v1::ClubCreated& e);
  void on(const v1::ClubChanged& e);
  void on(const v1::RoomCreated& e);
  void on(const v1::RoomChanged& e);
  void on(const v1::MemberChanged& e);
  void on(const v1::InvitationCreated& e);
  void on(const v1::InvitationRevoked& e);
  void on(const v1::InvitationUsed& e);
  void on(const v1::MessagePosted& e);
  void on(const v1::MessageEdited& e);
  void on(const v1::MessageDeleted& e);
  void on(const v1::ReactionChanged& e);
  void on(const v1::MessagePinned& e);
  void on(const v1::MessageRestored& e);
  void on(const v1::MessageLocked& e);
  void on(const v1::MessageHeld& e);
  void on(const v1::HeldReviewed& e);
  void on(const v1::DirectChanged& e);
  void on(const v1::SanctionImposed& e);
  void on(const v1::SanctionEnded& e);
  void on(const v1::MessagesRemoved& e);
  void on(const v1::ReportFiled& e);
  void on(const v1::ReportClaimed& e);
  void on(const v1::ReportResolved& e);
  void on(const v1::AppealSaid& e);
  void on(const v1::AppealDecided& e);
  void on(const v1::RemovalUndone& e);
  void on(const v1::ActProposed& e);
  void on(const v1::ProposalClosed& e);
  void on(const v1::CharterAdopted& e);
  void on(const v1::CharterAccepted& e);
  void on(const v1::RaidModeStarted& e);
  void on(const v1::RaidModeProlonged& e);
  void on(const v1::RaidModeEnded& e);
  void on(const v1::RoomSlowed& e);
  void on(const v1::RoomSlowEnded& e);
  void answer();
  void count_accepted(uint64_t author);

  template <class Change>
  void change_message(uint64_t room_id, uint64_t number, Change change);
  template <class Change>
  void change_standing(uint64_t account_id, Change change);
  template <class Change>
  void change_invitation(uint64_t invitation_id, Change change);

  Batch& batch_;
  const View view_;
  const PartitionId partition_;
  const v1::Event& event_;
  const store::PrivatePart& private_;
};

void Applying::run() {
  switch (event_.body_case()) {
    case v1::Event::kSiteCreated: on(event_.site_created()); break;
    case v1::Event::kClubRegistered: on(event_.club_registered()); break;
    case v1::Event::kAccountRegistered: on(event_.account_registered()); break;
    case v1::Event::kSiteRoleChanged: on(event_.site_role_changed()); break;
    case v1::Event::kProfileChanged: on(event_.profile_changed()); break;
    case v1::Event::kPasswordChanged: on(event_.password_changed()); break;
    case v1::Event::kTokenIssued: on(event_.token_issued()); break;
    case v1::Event::kTokenRevoked: on(event_.token_revoked()); break;
    case v1::Event::kReadMarked: on(event_.read_marked()); break;
    case v1::Event::kLevelSet: on(event_.level_set()); break;
    case v1::Event::kClubCreated: on(event_.club_created()); break;
    case v1::Event::kClubChanged: on(event_.club_changed()); break;
    case v1::Event::kRoomCreated: on(event_.room_created()); break;
    case v1::Event::kRoomChanged: on(event_.room_changed()); break;
    case v1::Event::kMemberChanged: on(event_.member_changed()); break;
    case v1::Event::kInvitationCreated: on(event_.invitation_created()); break;
    case v1::Event::kInvitationRevoked: on(event_.invitation_revoked()); break;
    case v1::Event::kInvitationUsed: on(event_.invitation_used()); break;
    case v1::Event::kMessagePosted: on(event_.message_posted()); break;
    case v1::Event::kMessageEdited: on(event_.message_edited()); break;
    case v1::Event::kMessageDeleted: on(event_.message_deleted()); break;
    case v1::Event::kReactionChanged: on(event_.reaction_changed()); break;
    case v1::Event::kMessagePinned: on(event_.message_pinned()); break;
    case v1::Event::kMessageRestored: on(event_.message_restored()); break;
    case v1::Event::kMessageLocked: on(event_.message_locked()); break;
    case v1::Event::kDirectChanged: on(event_.direct_changed()); break;
    case v1::Event::kSanctionImposed: on(event_.sanction_imposed()); break;
    case v1::Event::kSanctionEnded: on(event_.sanction_ended()); break;
    case v1::Event::kReportFiled: on(event_.report_filed()); break;
    case v1::Event::kReportClaimed: on(event_.report_claimed()); break;
    case v1::Event::kReportResolved: on(event_.report_resolved()); break;
    case v1::Event::kMessagesRemoved: on(event_.messages_removed()); break;
    case v1::Event::kRemovalUndone: on(event_.removal_undone()); break;
    case v1::Event::kRoomSlowed: on(event_.room_slowed()); break;
    case v1::Event::kRoomSlowEnded: on(event_.room_slow_ended()); break;
    case v1::Event::kRaidModeStarted: on(event_.raid_mode_started()); break;
    case v1::Event::kRaidModeProlonged: on(event_.raid_mode_prolonged()); break;
    case v1::Event::kRaidModeEnded: on(event_.raid_mode_ended()); break;
    case v1::Event::kAppealSaid: on(event_.appeal_said()); break;
    case v1::Event::kAppealDecided: on(event_.appeal_decided()); break;
    case v1::Event::kMessageHeld: on(event_.message_held()); break;
    case v1::Event::kHeldReviewed: on(event_.held_reviewed()); break;
    case v1::Event::kActProposed: on(event_.act_proposed()); break;
    case v1::Event::kProposalClosed: on(event_.proposal_closed()); break;
    case v1::Event::kCharterAdopted: on(event_.charter_adopted()); break;
    case v1::Event::kCharterAccepted: on(event_.charter_accepted()); break;
    case v1::Event::kAppealNoticed:
    case v1::Event::kMemberQuieted:
    case v1::Event::kReportNoticed:
    case v1::Event::kSanctionNoticed:
    case v1::Event::kDirectNoticed:
    case v1::Event::kMembershipNoticed:
    case v1::Event::BODY_NOT_SET: break;
  }
  answer();
}

// Site

void Applying::on(const v1::SiteCreated& e) {
  auto row = row_or_new<store::SiteRow>(Family::state, key::site());
  row.set_name(e.name());
  put(key::site(), row);
}

void Applying::on(const v1::ClubRegistered& e) {
  auto row = row_or_new<store::SiteRow>(Family::state, key::site());
  row.set_last_club_id(std::max(row.last_club_id(), e.club_id()));
  put(key::site(), row);
  batch_.put(Family::state, key::slug(e.slug()), key::u64(e.club_id()));
}

void Applying::on(const v1::AccountRegistered& e) {
  auto site = row_or_new<store::SiteRow>(Family::state, key::site());
  site.set_last_account_id(std::max(site.last_account_id(), e.account_id()));
  put(key::site(), site);
  const auto key = key::account_by_site(e.account_id());
  auto row = row_or_new<store::AccountRow>(Family::state, key);
  row.set_account_id(e.account_id());
  row.set_login(e.login());
  row.set_display_name(e.display_name());
  if (row.site_role() == v1::SITE_ROLE_UNSPECIFIED) row.set_site_role(v1::SITE_ROLE_NONE);
  row.set_created_ms(event_.time_ms());
  row.set_external_id(private_.external_id());
  put(key, row);
  batch_.put(Family::state, key::login(e.login()), key::u64(e.account_id()));
}

void Applying::on(const v1::SiteRoleChanged& e) {
  const auto key = key::account_by_site(e.account_id());
  auto row = row_or_new<store::AccountRow>(Family::state, key);
  row.set_account_id(e.account_id());
  row.set_site_role(e.role());
  put(key, row);
}

// Account

void Applying::on(const v1::ProfileChanged& e) {
  const auto key = key::account_by_self(id());
  auto row = row_or_new<store::AccountRow>(Family::state, key);
  row.set_display_name(e.display_name());
  row.set_language(e.language());
  put(key, row);
}

void Applying::on(const v1::PasswordChanged&) {
  const auto key = key::account_by_self(id());
  auto row = row_or_new<store::AccountRow>(Family::state, key);
  row.set_password_hash(private_.password_hash());
  put(key, row);
}

void Applying::on(const v1::TokenIssued& e) {
  store::TokenRow row;
  row.set_account_id(id());
  row.set_token_id(e.token_id());
  row.set_token_hash(private_.token_hash());
  row.set_device_name(e.device_name());
  row.set_created_ms(event_.time_ms());
  batch_.put(Family::tokens, key::token(row.token_hash()), row);
  batch_.put(Family::tokens, key::token_of(id(), e.token_id()), row.token_hash());
  // Outlives the token: an id is never given twice, whatever was revoked in between.
  const auto own_key = key::account_by_self(id());
  auto own = row_or_new<store::AccountRow>(Family::state, own_key);
  own.set_last_token_id(std::max(own.last_token_id(), e.token_id()));
  put(own_key, own);
}

void Applying::on(const v1::TokenRevoked& e) {
  const auto key = key::token_of(id(), e.token_id());
  std::string hash;
  if (!view_.get(Family::tokens, key, hash)) return;
  batch_.erase(Family::tokens, key::token(hash));
  batch_.erase(Family::tokens, key);
}

void Applying::on(const v1::ReadMarked& e) {
  const auto& mark = e.mark();
  const auto stream = partition_of(mark.stream());
  if (!stream) return;
  const auto old = view_.read_mark(id(), *stream, mark.room_id());
  if (old && old->number() >= mark.number()) return;
  put(key::read_mark(id(), *stream, mark.room_id()), mark);
}

void Applying::on(const v1::LevelSet& e) {
  const auto stream = partition_of(e.level().stream());
  if (!stream) return;
  put(key::level(id(), *stream, e.level().room_id()), e.level());
}

// Club

void Applying::on(const v1::ClubCreated& e) {
  auto club = e.club();
  club.set_club_id(id());
  club.set_active_members(0);
  put(key::club(id()), club);
}

void Applying::on(const v1::ClubChanged& e) {
  auto club = row_or_new<v1::Club>(Family::state, key::club(id()));
  club.set_name(e.name());
  club.set_purpose(e.purpose());
  club.set_language(e.language());
  club.set_capacity(e.capacity());
  club.set_watch_off(e.watch_off());
  put(key::club(id()), club);
}

void Applying::on(const v1::RoomCreated& e) {
  auto room = e.room();
  room.set_head_number(0);
  room.clear_pins();
  put(key::room(id(), room.room_id()), room);
}

void Applying::on(const v1::RoomChanged& e) {
  const auto key = key::room(id(), e.room().room_id());
  const auto old = row_or_new<v1::Room>(Family::state, key);
  auto room = e.room();
  room.set_head_number(old.head_number());
  *room.mutable_pins() = old.pins();
  room.set_auto_slow_s(old.auto_slow_s());
  room.set_auto_slow_since_ms(old.auto_slow_since_ms());
  room.set_auto_slow_until_ms(old.auto_slow_until_ms());
  room.set_auto_slow_lifted_ms(old.auto_slow_lifted_ms());
  put(key, room);
}

void Applying::on(const v1::MemberChanged& e) {
  const auto& member = e.member();
  const auto account_id = member.account_id();
  const auto key = key::member(id(), account_id);
  const auto old = row_or_new<v1::Member>(Family::state, key);
  put(key, member);
  if (old.account_id() == 0) {
    batch_.put(Family::state, key::membership(account_id, id()), std::string_view());
  }
  if (old.role() != member.role() || old.status() != member.status()) {
    store::RoleRow role;
    role.set_role(member.role());
    role.set_status(member.status());
    put(key::role(id(), account_id, event_.seq()), role);
  }
  const bool let_in =
      member.status() == v1::MEMBER_STATUS_ACTIVE || member.status() == v1::MEMBER_STATUS_INVITED;
  if (let_in) {
    change_standing(account_id, [&](store::StandingRow& standing) {
      // An account of 0 is the operator's console: no member vouches.
      if (event_.actor() != account_id) standing.set_vouched_by(event_.actor());
      if (standing.since_ms() == 0 && member.status() == v1::MEMBER_STATUS_ACTIVE) {
        standing.set_since_ms(event_.time_ms());
      }
    });
  }
  const bool was = old.status() == v1::MEMBER_STATUS_ACTIVE;
  const bool is = member.status() == v1::MEMBER_STATUS_ACTIVE;
  if (was == is) return;
  auto club = row_or_new<v1::Club>(Family::state, key::club(id()));
  club.set_active_members(is ? club.active_members() + 1 : club.active_members() - 1);
  put(key::club(id()), club);
}

void Applying::on(const v1::InvitationCreated& e) {
  store::InvitationRow row;
  *row.mutable_invitation() = e.invitation();
  row.set_code_hash(private_.invitation_hash());
  row.set_account_id(private_.invitation_account());
  *row.mutable_stream() = stream_of(partition_);
  const auto invitation_id = e.invitation().invitation_id();
  put(key::invitation(partition_, invitation_id), row);
  if (row.code_hash().empty()) return;
  batch_.put(Family::state, key::invitation_hash(row.code_hash()),
             key::invitation_ref(partition_, invitation_id));
}

template <class Change>
void Applying::change_invitation(uint64_t invitation_id, Change change) {
  auto row = view_.invitation(partition_, invitation_id);
  if (!row) return;
  change(*row->mutable_invitation());
  put(key::invitation(partition_, invitation_id), *row);
}

void Applying::on(const v1::InvitationRevoked& e) {
  change_invitation(e.invitation_id(), [](v1::Invitation& i) { i.set_revoked(true); });
}

void Applying::on(const v1::InvitationUsed& e) {
  change_invitation(e.invitation_id(), [](v1::Invitation& i) { i.set_uses(i.uses() + 1); });
}

// Club and direct

void Applying::on(const v1::MessagePosted& e) {
  v1::Message message;
  message.set_seq(event_.seq());
  message.set_room_id(e.room_id());
  message.set_number(e.number());
  message.set_body(e.body());
  message.set_reply_to(e.reply_to());
  if (e.has_mentions()) *message.mutable_mentions() = e.mentions();
  message.set_client_msg_id(event_.client_msg_id());
  if (e.imported_author().empty()) {
    message.set_author(e.author() != 0 ? e.author() : event_.actor());
    message.set_time_ms(event_.time_ms());
  } else {
    message.set_imported_author(e.imported_author());
    message.set_time_ms(e.imported_time_ms());
  }
  batch_.put(Family::messages, key::message(partition_, e.room_id(), e.number()), message);
  if (partition_.kind == v1::STREAM_KIND_DIRECT) {
    auto direct = row_or_new<store::DirectRow>(Family::state, key::direct(id()));
    direct.set_direct_id(id());
    direct.set_head_number(e.number());
    put(key::direct(id()), direct);
  } else {
    const auto key = key::room(id(), e.room_id());
    auto room = row_or_new<v1::Room>(Family::state, key);
    room.set_room_id(e.room_id());
    room.set_head_number(e.number());
    put(key, room);
    if (message.author() != 0) count_accepted(message.author());
  }
}

// One more message that stands. Counted to where trust no longer grows, so that nearly all posts write nothing here.
void Applying::count_accepted(uint64_t author) {
  constexpr uint32_t counted = 100;
  constexpr int64_t adverts_ms = int64_t{30} * 86'400'000;
  const bool advert = private_.spam().advert();
  // The judgement read the same row: nearly all posts read nothing here either.
  if (private_.spam().accepted() >= counted && !advert) return;
  auto standing = view_.standing(id(), author);
  if (standing.accepted() >= counted && !advert) return;
  standing.set_accepted(std::min(standing.accepted() + 1, counted));
  if (advert) {
    auto& adverts = *standing.mutable_adverts();
    adverts.erase(std::remove_if(adverts.begin(), adverts.end(),
                                 [&](int64_t at) { return at <= event_.time_ms() - adverts_ms; }),
                  adverts.end());
    adverts.Add(event_.time_ms());
  }
  put(key::standing_of(id(), author), standing);
}

template <class Change>
void Applying::change_standing(uint64_t account_id, Change change) {
  auto standing = view_.standing(id(), account_id);
  change(standing);
  put(key::standing_of(id(), account_id), standing);
}

void Applying::on(const v1::MessageHeld& e) {
  v1::HeldMessage held;
  held.set_held_id(e.held_id());
  held.set_seq(event_.seq());
  held.set_room_id(e.room_id());
  held.set_number(e.number());
  held.set_author(event_.actor());
  held.set_body(e.body());
  held.set_reply_to(e.reply_to());
  if (e.has_mentions()) *held.mutable_mentions() = e.mentions();
  held.set_time_ms(event_.time_ms());
  *held.mutable_why() = e.why();
  put(key::held(id(), e.held_id()), held);
}

void Applying::on(const v1::HeldReviewed& e) {
  auto held = view_.held(id(), e.held_id());
  if (!held) return;
  held->set_reviewed(true);
  held->set_released(e.released());
  held->set_reviewer(event_.actor());
  held->set_reason(e.reason());
  put(key::held(id(), e.held_id()), *held);
  if (e.released()) return;
  change_standing(held->author(), [](store::StandingRow& standing) {
    standing.set_rejected(standing.rejected() + 1);
  });
}

template <class Change>
void Applying::change_message(uint64_t room_id, uint64_t number, Change change) {
  auto message = view_.message(partition_, room_id, number);
  if (!message || message->deleted()) return;
  change(*message);
  batch_.put(Family::messages, key::message(partition_, room_id, number), *message);
}

void Applying::on(const v1::MessageEdited& e) {
  change_message(e.room_id(), e.number(), [&](v1::Message& message) {
    message.set_body(e.body());
    message.clear_mentions();
    if (e.has_mentions()) *message.mutable_mentions() = e.mentions();
    message.set_edited_seq(event_.seq());
  });
}

void Applying::on(const v1::MessageDeleted& e) {
  uint64_t taken_from = 0;  // whose words somebody else took away
  change_message(e.room_id(), e.number(), [&](v1::Message& message) {
    if (message.author() != event_.actor()) taken_from = message.author();
    message.set_deleted(true);
    message.clear_body();
    message.clear_mentions();
    message.clear_reactions();
    message.set_deleted_by(event_.actor());
    message.set_delete_reason(e.reason());
    message.set_delete_text(e.text());
    message.set_deleted_seq(event_.seq());
    if (event_.has_on_behalf()) *message.mutable_deleted_for() = event_.on_behalf();
  });
  if (taken_from == 0 || partition_.kind != v1::STREAM_KIND_CLUB) return;
  change_standing(taken_from, [](store::StandingRow& standing) {
    standing.set_rejected(standing.rejected() + 1);
  });
}

void Applying::on(const v1::MessageRestored& e) {
  auto message = view_.message(partition_, e.room_id(), e.number());
  if (!message || !message->deleted()) return;
  // What was taken away wrongly is not held against its author.
  if (partition_.kind == v1::STREAM_KIND_CLUB && message->deleted_by() != message->author()) {
    change_standing(message->author(), [](store::StandingRow& standing) {
      standing.set_rejected(standing.rejected() - std::min(standing.rejected(), 1u));
    });
  }
  message->set_deleted(false);
  message->set_body(e.body());
  if (e.has_mentions()) *message->mutable_mentions() = e.mentions();
  message->clear_deleted_by();
  message->clear_delete_reason();
  message->clear_delete_text();
  message->clear_deleted_seq();
  message->clear_deleted_for();
  message->set_restored_seq(event_.seq());
  batch_.put(Family::messages, key::message(partition_, e.room_id(), e.number()), *message);
}

void Applying::on(const v1::MessageLocked& e) {
  change_message(e.room_id(), e.number(),
                 [&](v1::Message& message) { message.set_edit_locked(e.locked()); });
}

void Applying::on(const v1::ReactionChanged& e) {
  change_message(e.room_id(), e.number(), [&](v1::Message& message) {
    auto& reactions = *message.mutable_reactions();
    auto reaction =
        std::ranges::find_if(reactions, [&](const auto& r) { return r.emoji() == e.emoji(); });
    if (reaction == reactions.end()) {
      if (!e.added()) return;
      auto* fresh = message.add_reactions();
      fresh->set_emoji(e.emoji());
      fresh->add_accounts(event_.actor());
      return;
    }
    auto& accounts = *reaction->mutable_accounts();
    const auto mine = std::ranges::find(accounts, event_.actor());
    if (e.added()) {
      if (mine == accounts.end()) accounts.Add(event_.actor());
      return;
    }
    if (mine != accounts.end()) accounts.erase(mine);
    if (accounts.empty()) reactions.erase(reaction);
  });
}

void Applying::on(const v1::MessagePinned& e) {
  const auto key = key::room(id(), e.room_id());
  auto room = row_or_new<v1::Room>(Family::state, key);
  auto& pins = *room.mutable_pins();
  const auto pin = std::ranges::find(pins, e.number());
  if (e.pinned() == (pin != pins.end())) return;
  if (e.pinned()) {
    pins.Add(e.number());
  } else {
    pins.erase(pin);
  }
  put(key, room);
}

// Direct

void Applying::on(const v1::DirectChanged& e) {
  const auto key = key::direct(id());
  auto row = row_or_new<store::DirectRow>(Family::state, key);
  row.set_direct_id(id());
  row.set_status(e.status());
  row.set_requested_by(e.requested_by());
  row.set_introduction(e.introduction());
  *row.mutable_blocked_by() = e.blocked_by();
  put(key, row);
  const auto sides = sides_of(id());
  for (const auto account_id : {sides.lower, sides.higher}) {
    batch_.put(Family::state, key::direct_of(account_id, id()), std::string_view());
  }
}

// Moderation

void Applying::on(const v1::SanctionImposed& e) {
  store::SanctionRow row;
  auto& sanction = *row.mutable_sanction();
  sanction = e.sanction();
  sanction.set_start_seq(event_.seq());
  row.set_note(private_.note());
  *row.mutable_evidence() = private_.evidence();
  const auto sanction_id = sanction.sanction_id();
  put(key::sanction(partition_, sanction_id), row);
  batch_.put(Family::state, key::sanction_of(sanction.account_id(), partition_, sanction_id),
             std::string_view());
  if (sanction.end() != v1::SANCTION_END_UNSPECIFIED) return;
  batch_.put(Family::state, key::standing(partition_, sanction_id), std::string_view());
  if (sanction.until_ms() == 0 || partition_.kind != v1::STREAM_KIND_CLUB) return;
  batch_.put(Family::state, key::due(sanction.until_ms(), partition_, sanction_id),
             key::u64(sanction.account_id()));
}

void Applying::on(const v1::SanctionEnded& e) {
  const auto key = key::sanction(partition_, e.sanction_id());
  auto row = view_.sanction(partition_, e.sanction_id());
  if (!row) return;
  auto& sanction = *row->mutable_sanction();
  sanction.set_end(e.end());
  sanction.set_end_text(e.text());
  sanction.set_ended_by(event_.actor());
  const bool lapsed = e.end() == v1::SANCTION_END_LAPSED;
  sanction.set_ended_ms(lapsed ? sanction.until_ms() : event_.time_ms());
  put(key, *row);
  batch_.erase(Family::state, key::standing(partition_, e.sanction_id()));
  if (sanction.until_ms() == 0 || partition_.kind != v1::STREAM_KIND_CLUB) return;
  batch_.erase(Family::state, key::due(sanction.until_ms(), partition_, e.sanction_id()));
}

void Applying::on(const v1::MessagesRemoved& e) {
  auto removal = e.removal();
  removal.set_seq(event_.seq());
  put(key::removal(partition_, removal.removal_id()), removal);
}

void Applying::on(const v1::RemovalUndone& e) {
  auto removal = view_.removal(partition_, e.removal_id());
  if (!removal) return;
  removal->set_undone_by(event_.actor());
  removal->set_undone_ms(event_.time_ms());
  put(key::removal(partition_, e.removal_id()), *removal);
}

void Applying::on(const v1::ReportFiled& e) {
  const auto key = key::report(partition_, e.report_id());
  const auto& filing = private_.filing();
  auto row = row_or_new<store::ReportRow>(Family::state, key);
  auto& report = *row.mutable_report();
  if (report.report_id() == 0) {
    report.set_report_id(e.report_id());
    report.set_club_id(id());
    report.set_account_id(filing.account_id());
    if (filing.has_message()) *report.mutable_message() = filing.message();
    report.set_reason(filing.reason());
    report.set_filed_ms(event_.time_ms());
    report.set_due_ms(filing.due_ms());
    report.set_state(v1::REPORT_STATE_OPEN);
    batch_.put(Family::state,
               key::report_about(partition_, filing.account_id(), filing.message().room_id(),
                                 filing.message().number()),
               key::u64(e.report_id()));
    batch_.put(Family::state, key::report_due(report.due_ms(), partition_, e.report_id()),
               std::string_view());
  }
  if (!filing.text().empty()) report.add_texts(filing.text());
  report.mutable_evidence()->MergeFrom(private_.evidence());
  row.add_reporters(private_.hidden_actor());
  report.set_reporters(static_cast<uint32_t>(row.reporters_size()));
  row.set_weight(row.weight() + filing.weight());
  put(key, row);
  batch_.put(Family::state, key::report_by(private_.hidden_actor(), partition_, e.report_id()),
             std::string_view());
}

void Applying::on(const v1::ReportClaimed& e) {
  auto row = view_.report(partition_, e.report_id());
  if (!row) return;
  row->mutable_report()->set_claimed_by(e.account_id());
  row->mutable_report()->set_claimed_until_ms(e.until_ms());
  put(key::report(partition_, e.report_id()), *row);
}

void Applying::on(const v1::ReportResolved& e) {
  auto row = view_.report(partition_, e.report_id());
  if (!row) return;
  auto& report = *row->mutable_report();
  report.set_state(e.state());
  report.set_resolution(e.text());
  report.set_sanction_id(e.sanction_id());
  report.set_resolved_by(event_.actor());
  report.set_resolved_ms(event_.time_ms());
  if (event_.has_on_behalf()) *report.mutable_on_behalf() = event_.on_behalf();
  report.clear_claimed_by();
  report.clear_claimed_until_ms();
  put(key::report(partition_, e.report_id()), *row);
  batch_.erase(Family::state,
               key::report_about(partition_, report.account_id(), report.message().room_id(),
                                 report.message().number()));
  batch_.erase(Family::state, key::report_due(report.due_ms(), partition_, e.report_id()));
  for (const auto reporter : row->reporters())
    batch_.erase(Family::state, key::report_by(reporter, partition_, e.report_id()));
}
}  // namespace

void tell_author(const v1::Event& event, const store::PrivatePart& private_part,
                 v1::Committed& committed) {
  if (event.has_message_held()) {
    committed.set_held(true);
    *committed.mutable_why() = event.message_held().why();
  } else if (private_part.has_advice()) {
    *committed.mutable_why() = private_part.advice();
  } else if (event.has_act_proposed()) {
    committed.set_proposal_id(event.act_proposed().proposal().proposal_id());
  }
}

namespace {

// From when on site staff see an appeal. One of a ban from the site is for nobody else.
int64_t shown_from_ms(PartitionId partition, int64_t due_ms) {
  return partition.kind == v1::STREAM_KIND_CLUB ? due_ms : 0;
}

void Applying::on(const v1::AppealSaid& e) {
  auto row = view_.sanction(partition_, e.sanction_id());
  if (!row) return;
  auto& appeal = *row->mutable_appeal();
  if (appeal.state() == v1::APPEAL_STATE_UNSPECIFIED) {
    appeal.set_state(v1::APPEAL_STATE_OPEN);
    appeal.set_filed_ms(event_.time_ms());
    appeal.set_due_ms(e.due_ms());
    batch_.put(Family::state, key::appeal(partition_, e.sanction_id()), std::string_view());
    batch_.put(Family::state,
               key::appeal_due(shown_from_ms(partition_, e.due_ms()), partition_, e.sanction_id()),
               std::string_view());
  }
  auto& line = *appeal.add_lines();
  line.set_author(event_.actor());
  line.set_text(e.text());
  line.set_time_ms(event_.time_ms());
  if (event_.has_on_behalf()) *line.mutable_on_behalf() = event_.on_behalf();
  put(key::sanction(partition_, e.sanction_id()), *row);
}

void Applying::on(const v1::AppealDecided& e) {
  auto row = view_.sanction(partition_, e.sanction_id());
  if (!row) return;
  auto& appeal = *row->mutable_appeal();
  appeal.set_state(e.granted() ? v1::APPEAL_STATE_GRANTED : v1::APPEAL_STATE_DENIED);
  appeal.set_decided_by(event_.actor());
  appeal.set_decided_ms(event_.time_ms());
  auto& line = *appeal.add_lines();
  line.set_author(event_.actor());
  line.set_text(e.text());
  line.set_time_ms(event_.time_ms());
  if (event_.has_on_behalf()) *line.mutable_on_behalf() = event_.on_behalf();
  put(key::sanction(partition_, e.sanction_id()), *row);
  batch_.erase(Family::state, key::appeal(partition_, e.sanction_id()));
  batch_.erase(Family::state, key::appeal_due(shown_from_ms(partition_, appeal.due_ms()),
                                              partition_, e.sanction_id()));
}

void Applying::on(const v1::ActProposed& e) {
  store::ProposalRow row;
  *row.mutable_proposal() = e.proposal();
  *row.mutable_evidence() = private_.evidence();
  const auto proposal_id = e.proposal().proposal_id();
  put(key::proposal(partition_, proposal_id), row);
  batch_.put(Family::state, key::open_proposal(partition_, proposal_id), std::string_view());
}

void Applying::on(const v1::ProposalClosed& e) {
  auto row = view_.proposal(partition_, e.proposal_id());
  if (!row) return;
  auto& proposal = *row->mutable_proposal();
  proposal.set_state(e.state());
  proposal.set_decision(e.text());
  proposal.set_sanction_id(e.sanction_id());
  const bool expired = e.state() == v1::PROPOSAL_STATE_EXPIRED;
  proposal.set_decided_by(expired ? 0 : event_.actor());
  proposal.set_decided_ms(expired ? proposal.expires_ms() : event_.time_ms());
  put(key::proposal(partition_, e.proposal_id()), *row);
  batch_.erase(Family::state, key::open_proposal(partition_, e.proposal_id()));
}

void Applying::on(const v1::CharterAdopted& e) {
  put(key::charter(partition_, e.charter().version()), e.charter());
  auto club = row_or_new<v1::Club>(Family::state, key::club(id()));
  club.set_charter_version(e.charter().version());
  put(key::club(id()), club);
}

void Applying::on(const v1::CharterAccepted& e) {
  auto member = view_.member(id(), e.account_id());
  if (!member) return;
  member->set_charter_version(e.version());
  put(key::member(id(), e.account_id()), *member);
}

void Applying::on(const v1::RaidModeStarted& e) {
  put(key::raid(id()), e.raid());
  batch_.put(Family::state, key::measure_due(e.raid().until_ms(), id(), 0), std::string_view());
}

void Applying::on(const v1::RaidModeProlonged& e) {
  auto raid = view_.raid(id());
  if (!raid || raid->raid_id() != e.raid_id()) return;
  batch_.erase(Family::state, key::measure_due(raid->until_ms(), id(), 0));
  raid->set_until_ms(e.until_ms());
  put(key::raid(id()), *raid);
  batch_.put(Family::state, key::measure_due(raid->until_ms(), id(), 0), std::string_view());
}

void Applying::on(const v1::RaidModeEnded& e) {
  auto raid = view_.raid(id());
  if (!raid || raid->raid_id() != e.raid_id()) return;
  batch_.erase(Family::state, key::measure_due(raid->until_ms(), id(), 0));
  const bool lapsed = e.end() == v1::RAID_END_LAPSED;
  raid->set_end(e.end());
  raid->set_ended_ms(lapsed ? raid->until_ms() : event_.time_ms());
  raid->set_ended_by(event_.actor());
  put(key::raid(id()), *raid);
}

void Applying::on(const v1::RoomSlowed& e) {
  const auto key = key::room(id(), e.room_id());
  auto room = row_or_new<v1::Room>(Family::state, key);
  if (room.auto_slow_until_ms() != 0)
    batch_.erase(Family::state, key::measure_due(room.auto_slow_until_ms(), id(), e.room_id()));
  room.set_auto_slow_s(e.slow_mode_s());
  room.set_auto_slow_since_ms(event_.time_ms());
  room.set_auto_slow_until_ms(e.until_ms());
  put(key, room);
  batch_.put(Family::state, key::measure_due(e.until_ms(), id(), e.room_id()), std::string_view());
}

void Applying::on(const v1::RoomSlowEnded& e) {
  const auto key = key::room(id(), e.room_id());
  auto room = row_or_new<v1::Room>(Family::state, key);
  batch_.erase(Family::state, key::measure_due(room.auto_slow_until_ms(), id(), e.room_id()));
  room.clear_auto_slow_s();
  room.clear_auto_slow_until_ms();
  if (e.lifted()) room.set_auto_slow_lifted_ms(event_.time_ms());
  put(key, room);
}

// What a repeat of the command is answered with.
void Applying::answer() {
  if (private_.request_kind() == 0 || event_.client_msg_id().empty()) return;
  // Under whoever asked, also where the event does not say who.
  const uint64_t actor = private_.hidden_actor() != 0 ? private_.hidden_actor() : event_.actor();
  store::IdempotencyRow row;
  auto& committed = *row.mutable_committed();
  *committed.mutable_stream() = stream_of(partition_);
  committed.set_first_seq(event_.seq());
  committed.set_last_seq(event_.seq() + std::max(private_.commit_entries(), 1u) - 1);
  committed.set_time_ms(event_.time_ms());
  committed.set_object_id(private_.object_id());
  tell_author(event_, private_, committed);
  *row.mutable_numbers() = private_.numbers();
  row.set_request_kind(private_.request_kind());
  batch_.put(Family::idempotency, key::idempotency(partition_, actor, event_.client_msg_id()), row);
}

}  // namespace

bool apply(Batch& batch, PartitionId partition, const v1::Event& event,
           const store::PrivatePart& private_part, const EntrySeal& seal) {
  const bool act = record_act(batch, partition, event, private_part, seal);
  Applying(batch, partition, event, private_part).run();
  return act;
}

}  // namespace amicale::storage
