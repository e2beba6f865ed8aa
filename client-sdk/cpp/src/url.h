// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace amicale::client {

// Where a server is: "ws://host[:port][/path]" or "wss://...". IPv6 addresses are in brackets.
struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string path;

  std::string authority() const;  // for the Host header
};

// Absent: not such a URL. User names, queries and fragments are refused: a secret may not travel in
// a URL.
std::optional<Url> parse_url(std::string_view text);

}  // namespace amicale::client
