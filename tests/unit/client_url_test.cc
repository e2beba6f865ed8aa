// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include "client-sdk/cpp/src/url.h"

using amicale::client::parse_url;

TEST_CASE("a URL is taken apart, with what it leaves out filled in") {
  const auto url = parse_url("wss://chat.example.org");
  REQUIRE(url);
  CHECK(url->tls);
  CHECK(url->port == "443");
  CHECK(url->path == "/v1/ws");
  CHECK(url->authority() == "chat.example.org");
  const auto local = parse_url("ws://[::1]:8080/chat");
  REQUIRE(local);
  CHECK(local->host == "::1");
  CHECK(local->authority() == "[::1]:8080");
  CHECK(local->path == "/chat");
}

TEST_CASE("a host that could not be written again as it was is no host") {
  for (const char* text : {"ws://[[a]", "ws://[[::1]", "ws://[a]", "ws://a]b", "ws://a[b:80"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text));
  }
}
