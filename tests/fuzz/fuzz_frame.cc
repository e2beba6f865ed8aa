// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Bytes of a WebSocket message, through the parser and into the rules: whatever a client sends, each rule answers a decision or
// a refusal; a decision is within the bounds of a commit, and folding it leaves a state that further frames can meet.
#include <google/protobuf/stubs/logging.h>

#include <cstdlib>
#include <string_view>

#include "amicale/v1/frame.pb.h"
#include "server/domain/account.h"
#include "server/domain/club.h"
#include "server/domain/direct.h"
#include "server/domain/limits.h"
#include "server/domain/membership.h"
#include "server/domain/message.h"
#include "server/domain/site.h"
#include "server/http/call.h"

namespace {
using namespace amicale;
namespace limits = domain::limits;

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::uint64_t kClub = 1, kMember = 7, kPresident = 8;

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

v1::Member member(std::uint64_t account, v1::ClubRole role) {
  v1::Member member;
  member.set_account_id(account);
  member.set_display_name("Ada");
  member.set_role(role);
  member.set_status(v1::MEMBER_STATUS_ACTIVE);
  return member;
}

domain::ClubState make_club() {
  domain::ClubState state(kClub);
  v1::Club club;
  club.set_club_id(kClub);
  club.set_slug("essai");
  club.set_name("Essai");
  club.set_kind(v1::CLUB_KIND_PROFESSIONAL);
  club.set_capacity(10);
  club.set_created_ms(1);
  state.load(club);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    v1::Room room;
    room.set_room_id(id);
    room.set_name("Salle");
    room.set_access(static_cast<v1::RoomAccess>(id));
    room.add_roles(v1::CLUB_ROLE_COMMITTEE);
    room.set_head_number(5);
    state.load(room);
  }
  state.load(member(kMember, v1::CLUB_ROLE_MEMBER));
  state.load(member(kPresident, v1::CLUB_ROLE_PRESIDENT));
  return state;
}

template <class State>
void fold(State& state, const domain::Result<domain::Decision>& result) {
  if (!result) {
    if (domain::to_wire(result.error(), v1::LANGUAGE_FR).message().empty())
      broken("a refusal without a sentence");
    return;
  }
  std::size_t bytes = 0;
  for (const auto& decided : result->events) {
    if (decided.event.body_case() == v1::Event::BODY_NOT_SET) broken("a decision without an event");
    bytes += decided.event.ByteSizeLong();
    v1::Event event = decided.event;
    event.set_time_ms(kNow);
    state.apply(event);
  }
  if (bytes > limits::server_frame_bytes) broken("one command became more than a frame can carry");
}

v1::Message message_of(std::uint64_t author) {
  v1::Message message;
  message.set_room_id(1);
  message.set_number(5);
  message.set_author(author);
  message.set_body("Bonjour");
  return message;
}

// One request in one role. The order of cases is that of ClientFrame.
void decide(domain::ClubState& club, const v1::ClientFrame& frame, const domain::Actor& actor) {
  const domain::Place place{.club = &club};
  const auto message = message_of(kMember);
  const auto target = member(kMember, v1::CLUB_ROLE_MEMBER);
  const auto president = member(kPresident, v1::CLUB_ROLE_PRESIDENT);
  switch (frame.body_case()) {
    case v1::ClientFrame::kCreateClub: {
      domain::ClubState fresh(2);
      fold(fresh, domain::create_club(fresh, frame.create_club(), actor, kNow));
      break;
    }
    case v1::ClientFrame::kChangeClub:
      fold(club, domain::change_club(club, frame.change_club(), actor));
      break;
    case v1::ClientFrame::kCreateRoom:
      fold(club, domain::create_room(club, frame.create_room(), actor));
      break;
    case v1::ClientFrame::kChangeRoom:
      fold(club, domain::change_room(club, frame.change_room(), actor));
      break;
    case v1::ClientFrame::kAddMember: (void)domain::check_add_member(frame.add_member()); break;
    case v1::ClientFrame::kSetRole:
      fold(club, domain::set_role(club, {.target = &target, .president = &president},
                                  frame.set_role(), actor));
      break;
    case v1::ClientFrame::kSetMemberStatus:
      fold(club, domain::set_member_status(club, &target, frame.set_member_status(), actor, kNow));
      break;
    case v1::ClientFrame::kPostMessage:
      fold(club, domain::post_message(place, frame.post_message(), actor));
      break;
    case v1::ClientFrame::kEditMessage:
      fold(club, domain::edit_message(place, &message, frame.edit_message(), actor));
      break;
    case v1::ClientFrame::kDeleteMessage:
      fold(club, domain::delete_message(place, &message, frame.delete_message(), actor));
      break;
    case v1::ClientFrame::kReact:
      fold(club, domain::react(place, &message, frame.react(), actor));
      break;
    case v1::ClientFrame::kPinMessage:
      fold(club, domain::pin_message(place, &message, frame.pin_message(), actor));
      break;
    case v1::ClientFrame::kChangeProfile: {
      domain::AccountState account(kMember);
      fold(account, domain::change_profile(account, frame.change_profile()));
      break;
    }
    case v1::ClientFrame::kMarkRead: {
      domain::AccountState account(kMember);
      fold(account, domain::mark_read({.marked = 2, .head_number = 5}, frame.mark_read()));
      break;
    }
    case v1::ClientFrame::kOpenDirect: {
      domain::DirectState direct(domain::direct_id(kMember, kPresident));
      fold(direct,
           domain::open_direct(direct, {.share_a_club = true}, frame.open_direct(), kMember));
      break;
    }
    default: break;
  }
}

}  // namespace

// Protobuf says what it thinks of each malformed text; millions of times, that is no news.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The same bytes as the body of POST /v1/call.
  if (const auto called = amicale::http::read_call(bytes)) {
    if (called->ByteSizeLong() > limits::frame_bytes) broken("a call larger than a frame");
  }
  v1::ClientFrame frame;
  if (size > limits::frame_bytes || !frame.ParseFromArray(data, static_cast<int>(size))) return 0;
  auto club = make_club();
  for (const auto& actor : {
           domain::Actor{.account_id = kMember,
                         .site_role = v1::SITE_ROLE_NONE,
                         .role = v1::CLUB_ROLE_MEMBER,
                         .status = v1::MEMBER_STATUS_ACTIVE},
           domain::Actor{.account_id = kPresident,
                         .site_role = v1::SITE_ROLE_NONE,
                         .role = v1::CLUB_ROLE_PRESIDENT,
                         .status = v1::MEMBER_STATUS_ACTIVE},
           domain::Actor{.account_id = 9, .site_role = v1::SITE_ROLE_OWNER},
       }) {
    decide(club, frame, actor);
    decide(club, frame, actor);
  }
  return 0;
}
