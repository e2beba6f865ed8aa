// SPDX-License-Identifier: AGPL-3.0-or-later
//
// HTTP against a real server on loopback: what a browser, curl, a proxy and a hostile peer meet.
#include <doctest/doctest.h>
#include <google/protobuf/util/json_util.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "server/auth/token.h"
#include "server/domain/limits.h"
#include "tests/support/raw_client.h"
#include "tests/support/running_server.h"

namespace amicale {
namespace {

using support::RawAnswer;
using support::RawClient;
using support::request;
using support::RunningServer;

constexpr std::string_view kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
constexpr std::string_view kProtocol = "Sec-WebSocket-Protocol: amicale.v1\r\n";

int upgrade(std::uint16_t port, std::string_view fields) {
  return request(port, "GET", "/v1/ws", std::string(kUpgrade) + std::string(fields)).status;
}

v1::Reply reply_of(const RawAnswer& answer) {
  v1::Reply reply;
  REQUIRE(google::protobuf::util::JsonStringToMessage(answer.body, &reply).ok());
  return reply;
}

RawAnswer call(std::uint16_t port, std::string_view json, const std::string& token = "") {
  const auto field =
      token.empty() ? "" : "Authorization: Bearer " + auth::to_base64url(token) + "\r\n";
  return request(port, "POST", "/v1/call", field, json);
}

std::string log_in(std::uint16_t port) {
  const auto answer = call(port, std::string(R"({"login":{"login":")") + RunningServer::kLogin +
                                     R"(","password":")" + RunningServer::kPassword +
                                     "\",\"deviceName\":\"curl\"}}");
  REQUIRE(answer.status == 200);
  return reply_of(answer).login().token();
}

TEST_CASE("the resources answer, and everything else is not found") {
  RunningServer running([](Config& config) { config.site.name = "Le Réseau"; });
  running.stop();
  running.start([](Config& config) { config.site.name = "Amicale"; });
  const auto port = running.port();
  CHECK(request(port, "GET", "/healthz").body == "{\"status\":\"up\"}\n");
  CHECK(request(port, "GET", "/readyz").body == "{\"status\":\"ready\"}\n");
  CHECK(request(port, "GET", "/metrics").body.find("amicale_connections 1\n") != std::string::npos);
  CHECK(request(port, "GET", "/metrics").field("Content-Type") ==
        "text/plain; version=0.0.4; charset=utf-8");
  const auto page = request(port, "GET", "/i/AbCd");
  CHECK(page.field("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.body.find("AbCd") == std::string::npos);
  CHECK(page.body.find("<title>Le Réseau</title>") != std::string::npos);
  for (const auto* target :
       {"/", "/index.html", "/.git/config", "/v1/", "/i/", "/../../etc/passwd"}) {
    const auto answer = request(port, "GET", target);
    CHECK(answer.status == 404);
    CHECK(answer.body.starts_with("{\"code\":\"NOT_FOUND\",\"incident\":\""));
    CHECK(answer.field("Cache-Control") == "no-store");
    CHECK(answer.field("X-Content-Type-Options") == "nosniff");
    CHECK(answer.field("Content-Security-Policy").starts_with("default-src 'none'"));
    CHECK(answer.field("Strict-Transport-Security").empty());
  }
  CHECK(request(port, "DELETE", "/healthz").field("Allow") == "GET, HEAD");
}

TEST_CASE("one connection serves several requests, pipelined ones too") {
  RunningServer running;
  RawClient client(running.port());
  client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nHEAD /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.receive().status == 200);
  client.send("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  // The answer to HEAD has a length and no body: what follows it is the next answer.
  const auto head = client.receive();
  CHECK(head.status == 200);
  CHECK(client.closed_by_peer());
}

TEST_CASE("only the site's own pages, listed pages and programs may open a WebSocket") {
  RunningServer running([](Config& config) {
    config.server.public_url = "https://chat.example.org/club";
    config.origins.allowed = {"https://other.example.org"};
  });
  const auto with_origin = [&](std::string_view origin) {
    return upgrade(running.port(),
                   std::string(kProtocol) + "Origin: " + std::string(origin) + "\r\n");
  };
  CHECK(upgrade(running.port(), kProtocol) == 101);
  CHECK(with_origin("https://chat.example.org") == 101);
  CHECK(with_origin("https://other.example.org") == 101);
  CHECK(with_origin("https://evil.example.org") == 403);
  CHECK(with_origin("https://chat.example.org.evil.net") == 403);
  CHECK(with_origin("http://chat.example.org") == 403);
  CHECK(with_origin("null") == 403);
  CHECK(with_origin("") == 403);
  CHECK(with_origin("https://evil.net\r\nOrigin: https://chat.example.org") == 403);
}

TEST_CASE("an upgrade without the subprotocol, or that is none, is refused") {
  RunningServer running;
  CHECK(upgrade(running.port(), "") == 400);
  CHECK(upgrade(running.port(), "Sec-WebSocket-Protocol: amicale.v9\r\n") == 400);
  CHECK(request(running.port(), "GET", "/v1/ws").status == 426);
  const auto granted = request(running.port(), "GET", "/v1/ws",
                               std::string(kUpgrade) + "Sec-WebSocket-Protocol: x, amicale.v1\r\n");
  CHECK(granted.status == 101);
  CHECK(granted.field("Sec-WebSocket-Protocol") == "amicale.v1");
  CHECK(granted.field("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a request that is called is answered as over WebSocket, with a status of its own") {
  RunningServer running;
  const auto port = running.port();
  CHECK(call(port, R"({"listClubs":{}})").status == 401);
  CHECK(call(port, R"({"listClubs":{}})").field("WWW-Authenticate") == "Bearer");
  const auto token = log_in(port);
  REQUIRE(token.size() == 32);

  const auto clubs = call(port, R"({"requestId":9,"listClubs":{}})", token);
  CHECK(clubs.status == 200);
  CHECK(reply_of(clubs).request_id() == 9);
  CHECK(reply_of(clubs).has_list_clubs());

  const auto made =
      call(port,
           R"({"createClub":{"slug":"rh","name":"RH","kind":"CLUB_KIND_PROFESSIONAL",)"
           R"("clientMsgId":"AAECAwQFBgcICQoLDA0ODw=="}})",
           token);
  CHECK(made.status == 200);
  CHECK(reply_of(made).create_club().object_id() > 0);

  CHECK(call(port, R"({"getHistory":{"stream":{"kind":"STREAM_KIND_CLUB","id":"999"},"roomId":1}})",
             token)
            .status == 404);
  CHECK(call(port, R"({"heartbeat":{}})", token).status == 501);
  CHECK(call(port, R"({"subscribe":{}})", token).status == 501);
  CHECK(call(port, R"({"nonsense":{}})", token).status == 400);
  CHECK(call(port, "not json", token).status == 400);
  CHECK(call(port, R"({"listClubs":{}})", std::string(32, 'x')).status == 401);
  CHECK(request(port, "POST", "/v1/call", "Authorization: Basic eDp5\r\n", R"({"listClubs":{}})")
            .status == 401);
  CHECK(call(port, R"({"login":{"login":"owner","password":"not the password"}})").status == 401);
  CHECK(request(port, "POST", "/v1/call?token=x", "", R"({"listClubs":{}})").status == 400);
}

TEST_CASE("pages of other sites may not call") {
  RunningServer running;
  CHECK(request(running.port(), "POST", "/v1/call", "Origin: https://evil.example\r\n",
                R"({"login":{"login":"owner","password":"x"}})")
            .status == 403);
}

TEST_CASE("a connection calls only as fast as it may") {
  RunningServer running([](Config& config) {
    config.limits.requests_per_second = 1;
    config.limits.request_burst = 3;
  });
  RawClient client(running.port());
  RawAnswer answer;
  for (int i = 0; i < 10 && answer.status != 429; ++i) {
    client.send(
        "POST /v1/call HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n{\"listClubs\":{}}");
    answer = client.receive();
  }
  CHECK(answer.status == 429);
  CHECK_FALSE(answer.field("Retry-After").empty());
}

TEST_CASE("a header or a body over its limit is refused with the reason") {
  RunningServer running;
  const auto port = running.port();
  CHECK(request(port, "GET", "/healthz", "X-Long: " + std::string(9000, 'a') + "\r\n").status ==
        431);
  CHECK(request(port, "GET", "/" + std::string(9000, 'a')).status == 431);
  CHECK(request(port, "POST", "/v1/call", "", std::string(domain::limits::http_body_bytes + 1, ' '))
            .status == 413);
  const auto frame =
      R"({"postMessage":{"body":")" + std::string(domain::limits::frame_bytes, 'a') + "\"}}";
  CHECK(request(port, "POST", "/v1/call", "", frame).status == 413);
}

TEST_CASE("what is not HTTP is refused or cut, and the server goes on") {
  RunningServer running([](Config& config) { config.limits.handshake_ms = 300; });
  for (const std::string_view bytes :
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "\r\n\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/call HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST /v1/call HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"}) {
    RawClient client(running.port());
    client.send(bytes);
    const auto status = client.receive().status;
    CAPTURE(bytes);
    CAPTURE(status);
    CHECK((status == 0 || (status >= 400 && status < 500)));
  }
  CHECK(request(running.port(), "GET", "/healthz").status == 200);
}

TEST_CASE("a peer that sends nothing, or drips, or waits too long is cut") {
  RunningServer running([](Config& config) {
    config.limits.handshake_ms = 200;
    config.limits.keep_alive_ms = 200;
  });
  RawClient silent(running.port());
  CHECK(silent.closed_by_peer());

  RawClient dripping(running.port());
  dripping.send("GET /healthz HTTP/1.1\r\nX: ");
  CHECK(dripping.closed_by_peer());

  RawClient waiting(running.port());
  waiting.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(waiting.receive().status == 200);
  CHECK(waiting.closed_by_peer());

  RawClient half_hello(running.tls_port());
  half_hello.send("\x16\x03\x01\x02\x00\x01");
  CHECK(half_hello.closed_by_peer());
}

TEST_CASE("an upgraded connection that does not authenticate is cut") {
  RunningServer running([](Config& config) { config.limits.authenticate_ms = 200; });
  RawClient client(running.port());
  client.send("GET /v1/ws HTTP/1.1\r\nHost: a\r\n" + std::string(kUpgrade) +
              std::string(kProtocol) + "\r\n");
  REQUIRE(client.receive().status == 101);
  CHECK(client.closed_by_peer());
}

TEST_CASE("an address over its cap is turned away, another one is not") {
  RunningServer running(
      [](Config& config) { config.limits.sockets_per_address_unauthenticated = 3; });
  std::vector<std::unique_ptr<RawClient>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<RawClient>(running.port(), "127.0.0.2"));
    held.back()->send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(held.back()->receive().status == 200);
  }
  RawClient over(running.port(), "127.0.0.2");
  CHECK(over.closed_by_peer());
  CHECK(request(running.port(), "GET", "/healthz").status == 200);
  CHECK(request(running.port(), "GET", "/metrics")
            .body.find("amicale_connections_refused_total 1\n") != std::string::npos);
}

TEST_CASE("a good token frees the place of a connection that proved nothing") {
  RunningServer running(
      [](Config& config) { config.limits.sockets_per_address_unauthenticated = 2; });
  const auto token = auth::to_base64url(log_in(running.port()));
  std::vector<std::unique_ptr<RawClient>> held;
  for (int i = 0; i < 5; ++i) {
    held.push_back(std::make_unique<RawClient>(running.port(), "127.0.0.2"));
    held.back()->send("POST /v1/call HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token +
                      "\r\nContent-Length: 16\r\n\r\n{\"listClubs\":{}}");
    CHECK(held.back()->receive().status == 200);
  }
}

TEST_CASE("behind a trusted proxy each client is counted by its own address") {
  RunningServer running([](Config& config) {
    config.server.trusted_proxies = {"127.0.0.9"};
    config.limits.sockets_per_address_unauthenticated = 2;
  });
  std::vector<std::unique_ptr<RawClient>> held;
  const auto status = [&](const std::string& client) {
    held.push_back(std::make_unique<RawClient>(running.port(), "127.0.0.9"));
    held.back()->send("GET /v1/ws HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + client + "\r\n" +
                      std::string(kUpgrade) + std::string(kProtocol) + "\r\n");
    return held.back()->receive().status;
  };
  CHECK(status("198.51.100.1") == 101);
  CHECK(status("198.51.100.1") == 101);
  CHECK(status("198.51.100.1") == 429);
  CHECK(status("203.0.113.7, 198.51.100.1") == 429);
  CHECK(status("198.51.100.2") == 101);
}

TEST_CASE("metrics are for loopback and for whoever has the token, and not through a proxy") {
  RunningServer running([](Config& config) { config.metrics.token = "a token of the operator"; });
  const auto status = [&](std::string_view fields) {
    return request(running.port(), "GET", "/metrics", fields).status;
  };
  CHECK(status("") == 200);
  CHECK(status("X-Forwarded-For: 127.0.0.1\r\n") == 404);
  CHECK(status("X-Forwarded-For: 127.0.0.1\r\nAuthorization: Bearer a token of the operator\r\n") ==
        200);
  CHECK(status("X-Forwarded-For: 127.0.0.1\r\nAuthorization: Bearer a token of the operatoR\r\n") ==
        404);
}

TEST_CASE("TLS serves the same, pins itself, and refuses versions before 1.2") {
  RunningServer running;
  for (const auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawClient client(running.tls_port());
    REQUIRE(client.start_tls(running.certificate(), version));
    client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.receive();
    CHECK(answer.status == 200);
    CHECK(answer.field("Strict-Transport-Security") == "max-age=31536000");
    client.send("GET /v1/ws HTTP/1.1\r\nHost: a\r\n" + std::string(kUpgrade) +
                std::string(kProtocol) + "\r\n");
    CHECK(client.receive().status == 101);
  }
  RawClient old(running.tls_port());
  CHECK_FALSE(old.start_tls(running.certificate(), TLS1_1_VERSION));
}

TEST_CASE("a new certificate is for new connections; a bad one leaves the old one in use") {
  RunningServer running;
  RawClient first(running.tls_port());
  REQUIRE(first.start_tls(running.certificate()));

  const support::Identity next;
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(next.key(), running.key(), overwrite);
  CHECK_FALSE(running.server().reload_tls());
  RawClient second(running.tls_port());
  REQUIRE(second.start_tls(running.certificate()));
  CHECK(second.serial() == first.serial());

  std::filesystem::copy_file(next.certificate(), running.certificate(), overwrite);
  REQUIRE(running.server().reload_tls());
  RawClient third(running.tls_port());
  REQUIRE(third.start_tls(running.certificate()));
  CHECK(third.serial() != first.serial());
  first.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(first.receive().status == 200);
}

TEST_CASE("a stop closes connections that only wait, and the port") {
  RunningServer running;
  RawClient waiting(running.port());
  waiting.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(waiting.receive().status == 200);
  RawClient upgraded(running.port());
  upgraded.send("GET /v1/ws HTTP/1.1\r\nHost: a\r\n" + std::string(kUpgrade) +
                std::string(kProtocol) + "\r\n");
  CHECK(upgraded.receive().status == 101);
  const auto port = running.port();
  running.stop();
  CHECK(waiting.closed_by_peer());
  CHECK(upgraded.closed_by_peer());
  CHECK_THROWS(RawClient(port));
}

}  // namespace
}  // namespace amicale
