// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What people do. They are not careful: they ask for what they may not have, about what is not there, again and again.
#include "tests/simulation/world.h"

namespace amicale::simulation {
namespace {

constexpr int most_actions = 160;
const std::vector<std::string> emoji = {"👍", "❤️", "🎉"};

}  // namespace

void World::plan_actions() {
  const auto actions = stage_.dice.between(20, most_actions);
  for (int64_t i = 0; i < actions; ++i) {
    // In bursts: what comes together is decided together.
    const int64_t at = stage_.dice.between(0, 36) * 1'000 + stage_.dice.between(0, 60);
    stage_.agenda.in(at, [this] {
      if (!stage_.calm) act();
    });
  }
}

Stream World::some_club() { return stage_.dice.pick(clubs_); }

uint64_t World::some_room(Stream club) {
  const auto rooms = stage_.ledger.truth.rooms(club, stage_.ledger.truth.head(club));
  return 1 + stage_.dice.below(rooms.size() + 1);  // now and then, one that is not there
}

uint64_t World::some_message(Stream stream, uint64_t room) {
  const auto messages =
      stage_.ledger.truth.messages(stream, room, stage_.ledger.truth.head(stream));
  return 1 + stage_.dice.below(messages.size() + 1);
}

std::string World::some_words() {
  return "words " + std::to_string(++words_) + std::string(stage_.dice.below(200), '.');
}

void World::act() {
  Dice& dice = stage_.dice;
  Device& device = *dice.pick(devices_);
  ++count_.commands;
  // A club, or a conversation with somebody.
  Stream stream = some_club();
  uint64_t room = some_room(stream);
  if (dice.chance(15)) {
    stream = Stream::between(device.account().id, dice.pick(accounts_)->id);
    room = 0;
  }
  const auto v1_stream = stream.proto();
  v1::ClientFrame frame;
  const auto kind = dice.below(100);
  if (kind < 38) {
    auto& post = *frame.mutable_post_message();
    *post.mutable_stream() = v1_stream;
    post.set_room_id(room);
    post.set_body(some_words());
    if (dice.chance(20)) post.set_reply_to(some_message(stream, room));
    if (dice.chance(10)) post.mutable_mentions()->add_accounts(dice.pick(accounts_)->id);
    if (dice.chance(5)) post.mutable_mentions()->set_all(true);
    // A person sends two or three lines in a row.
    for (auto more = dice.below(3); more > 0; --more) {
      device.call(frame);
      post.set_body(some_words());
    }
  } else if (kind < 44) {
    auto& edit = *frame.mutable_edit_message();
    *edit.mutable_stream() = v1_stream;
    edit.set_room_id(room);
    edit.set_number(some_message(stream, room));
    edit.set_body(some_words());
  } else if (kind < 49) {
    auto& deletion = *frame.mutable_delete_message();
    *deletion.mutable_stream() = v1_stream;
    deletion.set_room_id(room);
    deletion.set_number(some_message(stream, room));
  } else if (kind < 51) {
    auto& restore = *frame.mutable_restore_message();
    *restore.mutable_stream() = v1_stream;
    restore.set_room_id(room);
    restore.set_number(some_message(stream, room));
  } else if (kind < 52) {
    auto& lock = *frame.mutable_lock_message();
    *lock.mutable_stream() = v1_stream;
    lock.set_room_id(room);
    lock.set_number(some_message(stream, room));
    lock.set_unlock(dice.chance(50));
  } else if (kind < 55) {
    auto& react = *frame.mutable_react();
    *react.mutable_stream() = v1_stream;
    react.set_room_id(room);
    react.set_number(some_message(stream, room));
    react.set_emoji(dice.pick(emoji));
    react.set_remove(dice.chance(30));
  } else if (kind < 56) {
    auto& pin = *frame.mutable_pin_message();
    *pin.mutable_stream() = v1_stream;
    pin.set_room_id(room);
    pin.set_number(some_message(stream, room));
    pin.set_unpin(dice.chance(30));
  } else if (kind < 65) {
    auto& history = *frame.mutable_get_history();
    *history.mutable_stream() = v1_stream;
    history.set_room_id(room);
    history.set_around(dice.chance(50) ? 0 : some_message(stream, room));
    history.set_before(static_cast<uint32_t>(dice.between(1, 30)));
    history.set_after(static_cast<uint32_t>(dice.below(20)));
  } else if (kind < 68) {
    auto& mark = *frame.mutable_mark_read();
    *mark.mutable_stream() = v1_stream;
    mark.set_room_id(room);
    mark.set_number(some_message(stream, room));
  } else if (kind < 71) {
    auto& typing = *frame.mutable_set_typing();
    *typing.mutable_stream() = v1_stream;
    typing.set_room_id(room);
  } else if (kind < 73) {
    frame.mutable_list_members()->set_club_id(some_club().id);
  } else if (kind < 74) {
    frame.mutable_change_profile()->set_display_name("Name " + std::to_string(++words_));
  } else if (kind < 83) {
    return moderate(device, some_club());
  } else if (kind < 86) {
    return talk_directly(device);
  } else if (kind < 92) {
    return manage_devices(device);
  } else if (kind < 96) {
    return handle_streams(device);
  } else {
    return device.repeat_something();
  }
  stage_.say("device {} asks: {}", device.number(), frame.ShortDebugString().substr(0, 100));
  device.call(std::move(frame));
}

// Somebody changes who may read what.
void World::moderate(Device& device, Stream club) {
  Dice& dice = stage_.dice;
  const uint64_t target = dice.pick(accounts_)->id;
  v1::ClientFrame frame;
  const auto kind = dice.below(26);
  if (kind >= 23) {
    auto& second = *frame.mutable_decide_proposal();
    second.set_club_id(club.id);
    second.set_proposal_id(1 + dice.below(8));
    second.set_confirm(dice.chance(80));
    second.set_text(some_words());
  } else if (kind >= 20) {
    auto& lift = *frame.mutable_lift_sanction();
    lift.set_club_id(club.id);
    lift.set_sanction_id(1 + dice.below(6));
  } else if (kind >= 10) {
    auto& sanction = *frame.mutable_impose_sanction();
    sanction.set_club_id(club.id);
    sanction.set_account_id(target);
    const std::vector<v1::SanctionKind> kinds = {
        v1::SANCTION_KIND_WARNING,    v1::SANCTION_KIND_MUTE, v1::SANCTION_KIND_MUTE,
        v1::SANCTION_KIND_SUSPENSION, v1::SANCTION_KIND_KICK, v1::SANCTION_KIND_BAN};
    sanction.set_kind(dice.pick(kinds));
    sanction.set_reason(v1::REASON_CODE_SPAM);
    sanction.set_text(some_words());
    if (sanction.kind() == v1::SANCTION_KIND_MUTE && dice.chance(40))
      sanction.set_room_id(some_room(club));
    // Some are over before the world comes to rest, some by a jump of the clock, some not.
    if (sanction.kind() != v1::SANCTION_KIND_WARNING && sanction.kind() != v1::SANCTION_KIND_KICK)
      sanction.set_duration_s(static_cast<uint32_t>(dice.chance(70) ? dice.between(60, 120)
                                                                    : dice.between(60, 100'000)));
  } else if (kind < 3) {
    auto& role = *frame.mutable_set_role();
    role.set_club_id(club.id);
    role.set_account_id(target);
    role.set_role(static_cast<v1::ClubRole>(dice.between(1, 5)));
    if (dice.chance(30)) role.set_reason("a reason");
  } else if (kind < 7) {
    auto& status = *frame.mutable_set_member_status();
    status.set_club_id(club.id);
    status.set_account_id(target);
    const std::vector<v1::MemberStatus> to = {v1::MEMBER_STATUS_ACTIVE, v1::MEMBER_STATUS_ACTIVE,
                                              v1::MEMBER_STATUS_PAUSED, v1::MEMBER_STATUS_REMOVED,
                                              v1::MEMBER_STATUS_BANNED};
    status.set_status(dice.pick(to));
    if (dice.chance(25)) {
      status.set_account_id(device.account().id);
      status.set_status(v1::MEMBER_STATUS_LEFT);
    }
    if (dice.chance(30)) status.set_reason("a reason");
  } else if (kind < 9) {
    auto& room = *frame.mutable_change_room();
    room.set_club_id(club.id);
    room.set_room_id(some_room(club));
    room.set_access(static_cast<v1::RoomAccess>(dice.between(1, 3)));
    for (int role = 1; role <= 5; ++role) {
      if (dice.chance(60)) room.add_roles(static_cast<v1::ClubRole>(role));
    }
    if (dice.chance(30)) room.set_topic(some_words());
    if (dice.chance(20)) room.set_locked(dice.chance(40));
    if (dice.chance(20)) room.set_slow_mode_s(static_cast<uint32_t>(dice.below(10)));
  } else {
    auto& accept = *frame.mutable_accept_invitation();
    accept.set_code(invitations_.at(club));
  }
  stage_.say("device {} asks: {}", device.number(), frame.ShortDebugString().substr(0, 100));
  // Half of the time, somebody who is likely to be allowed to.
  if (!frame.has_accept_invitation() && dice.chance(60)) {
    for (auto& other : devices_) {
      const auto role =
          stage_.ledger.truth.reader(club, other->account().id, stage_.ledger.truth.head(club));
      if (role >= v1::CLUB_ROLE_COMMITTEE) return other->call(std::move(frame));
    }
  }
  device.call(std::move(frame));
}

void World::talk_directly(Device& device) {
  Dice& dice = stage_.dice;
  const uint64_t other = dice.pick(accounts_)->id;
  if (other == device.account().id) return;
  const Stream stream = Stream::between(device.account().id, other);
  v1::ClientFrame frame;
  switch (dice.below(6)) {
    case 0:
    case 1:
      frame.mutable_open_direct()->set_account_id(other);
      frame.mutable_open_direct()->set_introduction("May I?");
      break;
    case 2:
    case 3:
      frame.mutable_answer_direct()->set_direct_id(stream.id);
      frame.mutable_answer_direct()->set_accept(dice.chance(80));
      break;
    case 4:
      frame.mutable_block_direct()->set_account_id(other);
      frame.mutable_block_direct()->set_unblock(dice.chance(50));
      break;
    default: return device.follow(stream);
  }
  device.call(std::move(frame));
}

void World::manage_devices(Device& device) {
  Dice& dice = stage_.dice;
  v1::ClientFrame frame;
  switch (dice.below(8)) {
    case 0: frame.mutable_logout(); break;
    case 1: frame.mutable_revoke_token()->set_all(true); break;
    case 2:
    case 3: {
      const bool back = dice.chance(50);
      frame.mutable_change_password()->set_old_password(device.account().passwords[back ? 1 : 0]);
      frame.mutable_change_password()->set_new_password(device.account().passwords[back ? 0 : 1]);
      break;
    }
    default:
      // Another device of the same person, wherever it is; now and then one that is not there.
      frame.mutable_revoke_token()->set_token_id(9);
      for (auto& other : devices_) {
        const uint64_t token = other->core().me().token_id();
        if (&other->account() == &device.account() && &*other != &device && token != 0)
          frame.mutable_revoke_token()->set_token_id(token);
      }
  }
  // A shard is late in hearing of it.
  if (dice.chance(50)) {
    stage_.agenda.in(dice.between(0, 60), [this] {
      if (site_ && !stage_.calm)
        keep_busy(static_cast<unsigned>(stage_.dice.below(site_->shard_count())),
                  stage_.dice.between(20, 250));
    });
  }
  // The person's other devices go on writing meanwhile.
  for (auto& other : devices_) {
    if (&other->account() != &device.account() || dice.chance(30)) continue;
    for (auto lines = dice.below(4); lines > 0; --lines) {
      stage_.agenda.in(dice.between(0, 150), [this, &other = *other] {
        v1::ClientFrame line;
        *line.mutable_post_message()->mutable_stream() = some_club().proto();
        line.mutable_post_message()->set_room_id(1);
        line.mutable_post_message()->set_body(some_words());
        if (!stage_.calm) other.call(std::move(line));
      });
    }
  }
  stage_.say("device {} of account {} asks: {}", device.number(), device.account().id,
             frame.ShortDebugString().substr(0, 100));
  device.call(std::move(frame));
}

void World::handle_streams(Device& device) {
  Dice& dice = stage_.dice;
  const Stream club = some_club();
  switch (dice.below(5)) {
    case 0: return device.unfollow(club);
    case 1: return device.follow(club);
    case 2: return device.start(/*resume=*/false);
    case 3: device.go_back(club, dice.below(40)); return device.start(/*resume=*/true);
    default: return device.start(/*resume=*/true);
  }
}

}  // namespace amicale::simulation
