// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <algorithm>
#include <charconv>

namespace amicale::client {

std::string Url::authority() const {
  const bool usual = port == (tls ? "443" : "80");
  const std::string name = host.find(':') == std::string::npos ? host : '[' + host + ']';
  return usual ? name : name + ':' + port;
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("wss://")) {
    url.tls = true;
    text.remove_prefix(6);
  } else if (text.starts_with("ws://")) {
    text.remove_prefix(5);
  } else {
    return std::nullopt;
  }
  const auto plain = [](char c) { return c > ' ' && c < 127 && c != '@' && c != '?' && c != '#'; };
  if (!std::all_of(text.begin(), text.end(), plain)) return std::nullopt;

  const std::size_t slash = text.find('/');
  const bool has_path = slash != std::string_view::npos && slash + 1 < text.size();
  url.path = has_path ? std::string(text.substr(slash)) : "/v1/ws";
  text = text.substr(0, slash);

  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    url.host = text.substr(1, end - 1);
    // Only an address has brackets: what else stood in them could not be written as it was.
    if (url.host.find(':') == std::string::npos) return std::nullopt;
    text.remove_prefix(end + 1);
    if (!text.empty() && !text.starts_with(':')) return std::nullopt;
    port = text.empty() ? text : text.substr(1);
    if (!text.empty() && port.empty()) return std::nullopt;
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      if (port.empty()) return std::nullopt;
    }
  }
  if (url.host.empty() || url.host.find_first_of("[]") != std::string::npos) return std::nullopt;
  if (port.empty()) {
    url.port = url.tls ? "443" : "80";
    return url;
  }
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number == 0 || number > 65535) {
    return std::nullopt;
  }
  url.port = port;
  return url;
}

}  // namespace amicale::client
