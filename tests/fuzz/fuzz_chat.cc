// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The terminal client under a cat on the keyboard: every key, every command, in a club that others write to.
//
//   input := { code:u8 size:u8 text }*    code = Key::Code, or above those: somebody else posts the text
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/admin/chat_screen.h"
#include "server/admin/terminal_text.h"
#include "server/domain/limits.h"

namespace {
using namespace amicale;
using admin::Key;

constexpr auto kCodes = static_cast<unsigned>(Key::Code::paste_end) + 1;
constexpr std::uint64_t kClub = 7;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

std::tm noon(std::int64_t) {
  std::tm parts{};
  parts.tm_mday = 1;
  parts.tm_hour = 12;
  return parts;
}

class Person {
 public:
  Person() : screen_({v1::LANGUAGE_EN, "", "", noon}) {
    client::Online online;
    online.me.set_account_id(1);
    online.me.set_display_name("Ada");
    screen_.on(online, now_);
    client::Resynced resynced;
    resynced.stream = client::Stream::club(kClub);
    resynced.at = {1, 10};
    auto& club = *resynced.snapshot.mutable_club();
    club.mutable_club()->set_club_id(kClub);
    club.mutable_club()->set_name("Club");
    club.mutable_me()->set_account_id(1);
    club.mutable_me()->set_role(v1::CLUB_ROLE_COMMITTEE);
    club.mutable_me()->set_status(v1::MEMBER_STATUS_ACTIVE);
    for (std::uint64_t id : {1, 2}) {
      auto& room = *club.add_rooms();
      room.set_room_id(id);
      room.set_name(id == 1 ? "salon" : "cuisine");
      room.set_access(v1::ROOM_ACCESS_ALL);
    }
    screen_.on(resynced, now_);
    look();
  }

  void take(unsigned code, std::string_view text) {
    now_ += client::Milliseconds{200};
    if (code >= kCodes) {
      hear(text);
    } else {
      press(static_cast<Key::Code>(code), text);
    }
    look();
  }

 private:
  // As the terminal gives it: one character at a time, and only where a key has one.
  void press(Key::Code code, std::string_view text) {
    if (code == Key::Code::ctrl || code == Key::Code::alt) {
      const char letter = static_cast<char>('a' + (text.empty() ? 0 : text[0] & 0x7f) % 26);
      return screen_.on(Key{code, std::string(1, letter)}, now_);
    }
    if (code != Key::Code::text) return screen_.on(Key{code, {}}, now_);
    const auto typed = admin::repair_utf8(text);
    for (std::size_t at = 0; at < typed.size();) {
      const std::size_t from = at;
      admin::next_code_point(typed, at);
      screen_.on(Key{code, typed.substr(from, at - from)}, now_);
    }
  }

  void hear(std::string_view body) {
    client::Batch batch{client::Stream::club(kClub), {1, ++seq_}, {}};
    v1::Event& event = batch.events.emplace_back();
    event.set_seq(seq_);
    event.set_actor(2);
    event.mutable_message_posted()->set_room_id(1 + seq_ % 2);
    event.mutable_message_posted()->set_number(seq_);
    event.mutable_message_posted()->set_body(std::string(body));
    screen_.on(batch, now_);
  }

  void look() {
    const auto grid = screen_.draw(12, 50, now_);
    const auto shown = grid.text();
    check(admin::is_utf8(shown), "what is shown is text");
    check(shown.find('\x1b') == std::string::npos, "nothing that is shown steers the terminal");
    for (const auto& effect : screen_.take_effects()) {
      const auto* ask = std::get_if<admin::Ask>(&effect);
      if (ask == nullptr) continue;
      check(ask->request.body_case() != v1::ClientFrame::BODY_NOT_SET, "a request asks something");
      check(ask->request.ByteSizeLong() <= domain::limits::frame_bytes, "a request is in bounds");
    }
  }

  admin::ChatScreen screen_;
  client::Time now_{};
  std::uint64_t seq_ = 10;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  admin::use_utf8_locale();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Person person;
  std::string_view left(reinterpret_cast<const char*>(data), size);
  for (int steps = 0; left.size() >= 2 && steps < 200; ++steps) {
    const unsigned code = static_cast<unsigned char>(left[0]) % (kCodes + 4);
    const auto length = std::min<std::size_t>(static_cast<unsigned char>(left[1]), left.size() - 2);
    person.take(code, left.substr(2, length));
    left.remove_prefix(2 + length);
  }
  return 0;
}
