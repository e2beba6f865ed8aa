// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/head.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace amicale::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

// Fields of which a second one would have to be chosen between.
enum Single : std::uint8_t { kHost, kLength, kCoding, kAuthorization, kKey };
constexpr std::array<std::string_view, 5> kSingles = {"host", "content-length", "transfer-encoding",
                                                      "authorization", "sec-websocket-key"};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view lower_case) {
  return std::ranges::equal(a, lower_case, {}, lower);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// A name or an address, and perhaps a port: nothing that could be read as a path, a user or a list.
bool is_host(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:[]%") ==
             std::string_view::npos;
}

bool is_value(Single field, std::string_view value) {
  switch (field) {
    case kHost: return is_host(value);
    case kLength:
      return !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
    case kCoding: return same_word(value, "chunked");
    default: return true;
  }
}

}  // namespace

std::size_t head_size(std::string_view received, std::size_t searched) {
  const std::size_t from = searched < kHeadEnd.size() ? 0 : searched - (kHeadEnd.size() - 1);
  const std::size_t end = received.find(kHeadEnd, from);
  return end == std::string_view::npos ? 0 : end + kHeadEnd.size();
}

bool is_plain_head(std::string_view head) {
  const std::size_t first_end = head.find(kLineEnd);
  if (first_end == std::string_view::npos) return false;
  const bool old = head.substr(0, first_end).ends_with("HTTP/1.0");
  head.remove_prefix(first_end + kLineEnd.size());

  std::array<bool, kSingles.size()> seen{};
  for (;;) {
    const std::size_t end = head.find(kLineEnd);
    if (end == std::string_view::npos) return false;
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + kLineEnd.size());
    if (line.empty()) break;
    if (is_blank(line.front())) return false;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view name = line.substr(0, colon);
    for (std::size_t i = 0; i < kSingles.size(); ++i) {
      if (!same_word(name, kSingles[i])) continue;
      if (seen[i] || !is_value(static_cast<Single>(i), trimmed(line.substr(colon + 1))))
        return false;
      seen[i] = true;
    }
  }
  if (seen[kCoding] && (seen[kLength] || old)) return false;
  return head.empty() && (seen[kHost] || old);
}

}  // namespace amicale::http
