// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/redis_driver.h"

#include <charconv>
#include <initializer_list>
#include <stdexcept>

namespace amicale::load {
namespace {

enum Stage : uint32_t { greeting, subscribing, live };

void append_command(std::string& out, std::initializer_list<std::string_view> words) {
  out += '*' + std::to_string(words.size()) + "\r\n";
  for (std::string_view word : words) {
    out += '$' + std::to_string(word.size()) + "\r\n";
    out.append(word).append("\r\n");
  }
}

// The line at `at`, and the place after it; false while it is not all there.
bool next_line(std::string_view bytes, size_t& at, std::string_view& line) {
  const size_t end = bytes.find("\r\n", at);
  if (end == std::string_view::npos) return false;
  line = bytes.substr(at, end - at);
  at = end + 2;
  return true;
}

int64_t number_in(std::string_view line) {
  int64_t number = 0;
  if (std::from_chars(line.data() + 1, line.data() + line.size(), number).ec != std::errc())
    throw std::runtime_error("not RESP: " + std::string(line.substr(0, 80)));
  return number;
}

// Moves `at` over one value, however deep. False while it is not all there. `text` is the last string in it.
bool pass_value(std::string_view bytes, size_t& at, std::string_view& text) {
  std::string_view line;
  if (!next_line(bytes, at, line)) return false;
  if (line.empty()) throw std::runtime_error("not RESP");
  switch (line[0]) {
    case '$': {
      const int64_t size = number_in(line);
      if (size < 0) return true;
      if (bytes.size() < at + static_cast<size_t>(size) + 2) return false;
      text = bytes.substr(at, static_cast<size_t>(size));
      at += static_cast<size_t>(size) + 2;
      return true;
    }
    case '*':
    case '>':
    case '~':
    case '%': {
      const int64_t count = number_in(line) * (line[0] == '%' ? 2 : 1);
      for (int64_t i = 0; i < count; ++i) {
        if (!pass_value(bytes, at, text)) return false;
      }
      return true;
    }
    default: return true;  // a line is all there is of the others
  }
}

std::string room_name(const Link& link) { return "room:" + std::to_string(link.room); }

}  // namespace

RedisDriver::RedisDriver(Target target) : Driver(std::move(target)) {}

void RedisDriver::begin(Link& link) {
  link.stage = greeting;
  append_command(link.out, {"HELLO", "3"});
}

size_t RedisDriver::take(Link& link, std::string_view bytes, Traffic& traffic) {
  constexpr std::string_view message = ">3\r\n$7\r\nmessage\r\n";
  size_t used = 0;
  while (used < bytes.size()) {
    size_t at = used;
    std::string_view text;
    if (!pass_value(bytes, at, text)) break;
    const std::string_view value = bytes.substr(used, at - used);
    used = at;
    if (value.starts_with(message))
      traffic.delivered(link, text);
    else
      take_answer(link, value, traffic);
  }
  return used;
}

void RedisDriver::take_answer(Link& link, std::string_view answer, Traffic& traffic) {
  if (answer[0] == '-') return traffic.refused(link, answer.substr(0, answer.find('\r')));
  switch (link.stage) {
    case greeting:
      link.stage = follow_ ? subscribing : live;
      if (follow_)
        append_command(link.out, {"SUBSCRIBE", room_name(link)});
      else
        traffic.joined(link);
      break;
    case subscribing:
      link.stage = live;
      traffic.joined(link);
      break;
    default: traffic.accepted(link);
  }
}

void RedisDriver::post(Link& link, std::string_view text) {
  if (follow_)
    append_command(link.out, {"PUBLISH", room_name(link), text});
  else
    append_command(link.out, {"XADD", room_name(link), "*", "text", text});
}

}  // namespace amicale::load
