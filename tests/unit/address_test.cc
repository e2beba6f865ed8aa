// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/address.h"

#include <doctest/doctest.h>

namespace amicale::http {
namespace {

Address address(const char* text) { return boost::asio::ip::make_address(text); }

std::string client(const char* peer, std::string_view forwarded) {
  const auto proxies = Networks::parse({"10.0.0.0/8", "::1", "127.0.0.1"});
  return client_address(address(peer), forwarded, *proxies).to_string();
}

TEST_CASE("an endpoint is an address and a port, never a name") {
  CHECK(parse_endpoint("127.0.0.1:8080")->port() == 8080);
  CHECK(parse_endpoint("[::1]:80")->address().is_v6());
  for (const auto* wrong :
       {"", ":80", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8o",
        "::1:80", "[127.0.0.1]:80", "127.0.0.1:-1", "127.0.0.1: 80", "127.1:80"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_endpoint(wrong));
  }
}

TEST_CASE("X-Forwarded-For from a peer that is no trusted proxy is ignored") {
  CHECK(client("192.0.2.9", "198.51.100.1") == "192.0.2.9");
}

TEST_CASE(
    "behind trusted proxies the client is the last address that they did not write themselves") {
  CHECK(client("127.0.0.1", "198.51.100.1") == "198.51.100.1");
  CHECK(client("127.0.0.1", "198.51.100.1, 10.1.2.3") == "198.51.100.1");
  CHECK(client("127.0.0.1", "") == "127.0.0.1");
  CHECK(client("::1", "2001:db8::5") == "2001:db8::5");
  CHECK(client("::ffff:127.0.0.1", "198.51.100.1") == "198.51.100.1");
}

TEST_CASE("a client cannot put an address of its choice in front of what the proxy wrote") {
  CHECK(client("127.0.0.1", "8.8.8.8, 198.51.100.1") == "198.51.100.1");
}

TEST_CASE("an unreadable entry of X-Forwarded-For ends the walk at what was proved") {
  CHECK(client("127.0.0.1", "198.51.100.1, unknown") == "127.0.0.1");
  CHECK(client("127.0.0.1", "198.51.100.1, unknown, 10.0.0.2") == "10.0.0.2");
  CHECK(client("127.0.0.1", ",,,") == "127.0.0.1");
}

TEST_CASE("networks contain their addresses, also when these arrive mapped into IPv6") {
  const auto networks = Networks::parse({"10.1.0.0/16", "2001:db8::/32"});
  REQUIRE(networks);
  CHECK(networks->contains(address("10.1.255.255")));
  CHECK(networks->contains(address("::ffff:10.1.0.1")));
  CHECK(networks->contains(address("2001:db8:1::1")));
  CHECK_FALSE(networks->contains(address("10.2.0.1")));
  CHECK_FALSE(networks->contains(address("2001:db9::1")));
  CHECK_FALSE(Networks::parse({"10.0.0.0/33"}));
  CHECK_FALSE(Networks::parse({"example.org"}));
}

TEST_CASE("caps count an IPv4 address, and the /64 of an IPv6 one") {
  CHECK(counted_address(address("192.0.2.1")) == address("192.0.2.1"));
  CHECK(counted_address(address("::ffff:192.0.2.1")) == address("192.0.2.1"));
  CHECK(counted_address(address("2001:db8::1")) == counted_address(address("2001:db8::ffff:1")));
  CHECK(counted_address(address("2001:db8::1")) != counted_address(address("2001:db8:0:1::1")));
}

TEST_CASE("the origin of a URL is what a browser would send") {
  CHECK(origin_of("https://Chat.Example.org/path?x#y") == "https://chat.example.org");
  CHECK(origin_of("https://chat.example.org:443") == "https://chat.example.org");
  CHECK(origin_of("http://chat.example.org:80/") == "http://chat.example.org");
  CHECK(origin_of("http://127.0.0.1:8080") == "http://127.0.0.1:8080");
  CHECK(origin_of("http://[::1]:8080/") == "http://[::1]:8080");
  for (const auto* wrong :
       {"", "chat.example.org", "ftp://a.example", "https://", "https://user@a.example",
        "https://a.example:0", "https://a.example:x", "https://a.example::443", "https://[::1",
        "https://[", "https://a]:1", "https://*.a.example", "https:// a"}) {
    CAPTURE(wrong);
    CHECK_FALSE(origin_of(wrong));
  }
}

}  // namespace
}  // namespace amicale::http
