// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/config.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

namespace amicale {
namespace {

// Every error of `text`, one per line, as the operator sees them; empty when the file is right.
std::string errors_of(std::string_view text) {
  const auto config = parse_config(text, "a.toml");
  std::string all;
  if (!config) {
    for (const auto& error : config.error()) all += to_string(error) + "\n";
  }
  return all;
}

TEST_CASE("an empty configuration file means the defaults") {
  const auto config = parse_config("", "a.toml");
  REQUIRE(config);
  CHECK(config->server.listen == std::vector<std::string>{"127.0.0.1:8080"});
  CHECK(config->limits.sockets_per_address == 64);
  CHECK(config->limits.sockets_per_address_unauthenticated == 16);
  CHECK(config->limits.handshake_ms == 5000);
  CHECK(config->site.language == "fr");
  CHECK_FALSE(config->server.allow_plain_text);
}

TEST_CASE("values of every kind are read") {
  const auto config = parse_config(R"(
[server]
listen = ["127.0.0.1:0", "[::1]:9000"]
shards = 2
trusted_proxies = ["10.0.0.0/8"]
[site]
name = "Réseau"
language = "en"
[origins]
allowed = ["https://chat.example.org"]
[log]
format = "json"
)",
                                   "a.toml");
  REQUIRE(config);
  CHECK(config->server.listen.size() == 2);
  CHECK(config->server.shards == 2);
  CHECK(config->site.name == "Réseau");
  CHECK(config->site.language == "en");
  CHECK(config->origins.allowed.front() == "https://chat.example.org");
  CHECK(config->log.format == "json");
}

TEST_CASE("an unknown key is refused with its line and the nearest known one") {
  CHECK(errors_of("[server]\nshard = 2\n") ==
        "a.toml:2: unknown key server.shard; did you mean shards?\n");
  CHECK(errors_of("[limits]\nmax_conections = 2\n").find("did you mean max_connections?") !=
        std::string::npos);
  CHECK(errors_of("[server]\n\ncertificate = \"x\"\n") ==
        "a.toml:3: unknown key server.certificate; did you mean tls.certificate?\n");
  CHECK(errors_of("[backup]\nzzz = 1\n") ==
        "a.toml:2: unknown key backup.zzz; [backup] knows directory\n");
}

TEST_CASE("an unknown section is refused with the nearest known one") {
  CHECK(errors_of("[serveur]\n") ==
        "a.toml:1: unknown section [serveur]; did you mean [server]?\n");
  CHECK(errors_of("shards = 2\n").find("unknown section [shards]; known are server, tls") !=
        std::string::npos);
  CHECK(errors_of("server = 2\n") == "a.toml:1: server must be a section, as in [server]\n");
}

TEST_CASE("a wrong type or a value out of range is refused with what is allowed") {
  CHECK(errors_of("[server]\nshards = \"many\"\n") ==
        "a.toml:2: server.shards must be a whole number from 0 to 64, not a text\n");
  CHECK(errors_of("[server]\nshards = -1\n") ==
        "a.toml:2: server.shards must be a whole number from 0 to 64, not -1\n");
  CHECK(errors_of("[server]\nshards = 2.0\n") ==
        "a.toml:2: server.shards must be a whole number from 0 to 64, not a number with a "
        "fraction\n");
  CHECK(errors_of("[log]\nlevel = \"loud\"\n") ==
        "a.toml:2: log.level must be \"debug\" or \"info\" or \"warning\" or \"error\", not "
        "\"loud\"\n");
  CHECK(errors_of("[server]\nallow_plain_text = 1\n") ==
        "a.toml:2: server.allow_plain_text must be true or false, not a whole number\n");
  CHECK(errors_of("[server]\nlisten = \"127.0.0.1:1\"\n").find("must be a list of texts") !=
        std::string::npos);
  CHECK(errors_of("[server]\nlisten = [1]\n").find("must hold texts in quotes only") !=
        std::string::npos);
  CHECK(errors_of("[server]\nlisten = [\"localhost:1\"]\n").find("ADDRESS:PORT") !=
        std::string::npos);
  CHECK(errors_of("[server]\npublic_url = \"chat.example.org\"\n").find("https URL") !=
        std::string::npos);
  CHECK(errors_of("[server]\ntrusted_proxies = [\"proxy\"]\n").find("a network") !=
        std::string::npos);
}

TEST_CASE("an origin is accepted only as browsers send it") {
  CHECK(errors_of("[origins]\nallowed = [\"https://a.example\"]\n").empty());
  for (const auto* wrong : {"https://a.example/", "*", "https://*.example", "a.example",
                            "https://A.example", "https://a.example:443", ""}) {
    CAPTURE(wrong);
    const auto text = std::string("[origins]\nallowed = [\"") + wrong + "\"]\n";
    CHECK(errors_of(text).find("exactly as browsers send it") != std::string::npos);
  }
}

TEST_CASE("plain text beyond loopback is refused unless it is allowed") {
  CHECK(errors_of("[server]\nlisten = [\"0.0.0.0:80\"]\n").find("must be loopback") !=
        std::string::npos);
  CHECK(errors_of("[server]\nlisten = [\"[::]:80\"]\n").find("must be loopback") !=
        std::string::npos);
  CHECK(errors_of("[server]\nlisten = [\"0.0.0.0:80\"]\nallow_plain_text = true\n").empty());
  CHECK(errors_of("[server]\nlisten = [\"[::ffff:127.0.0.1]:80\"]\n").empty());
}

TEST_CASE("TLS needs a certificate and a key") {
  CHECK(
      errors_of("[tls]\nlisten = [\"0.0.0.0:443\"]\n").find("needs tls.certificate and tls.key") !=
      std::string::npos);
  CHECK(errors_of("[tls]\ncertificate = \"a.pem\"\n").find("needs both") != std::string::npos);
  CHECK(errors_of("[server]\nlisten = []\n").find("must not both be empty") != std::string::npos);
  CHECK(errors_of("[tls]\nlisten = [\"0.0.0.0:443\"]\ncertificate = \"a\"\nkey = "
                  "\"b\"\n[server]\nlisten = []\n")
            .empty());
}

TEST_CASE("the silence of a dead connection must exceed the heartbeat") {
  CHECK(errors_of("[limits]\ndead_ms = 1000\n").find("must exceed limits.heartbeat_ms") !=
        std::string::npos);
}

TEST_CASE("every error of a file is told, in order of lines") {
  CHECK(errors_of("[server]\nshards = 99\nport = 1\n[log]\nlevel = 1\n") ==
        "a.toml:2: server.shards must be a whole number from 0 to 64, not 99\n"
        "a.toml:3: unknown key server.port; [server] knows listen, public_url, data_dir, shards, "
        "allow_plain_text, "
        "trusted_proxies, drain_ms\n"
        "a.toml:5: log.level must be \"debug\" or \"info\" or \"warning\" or \"error\", not a "
        "whole number\n");
}

TEST_CASE("a file that is not TOML is refused with its line") {
  CHECK(errors_of("[server]\nshards = \n").starts_with("a.toml:2: "));
  CHECK(errors_of("[server]\nname = \"\x01\"\n").starts_with("a.toml:2: "));
  CHECK_FALSE(errors_of("\xff\xfe").empty());
}

TEST_CASE("a file that cannot be read is an error") {
  const auto config = load_config("/nonexistent/amicale.toml");
  REQUIRE_FALSE(config);
  CHECK(to_string(config.error().front()) == "/nonexistent/amicale.toml: cannot be read");
  CHECK_FALSE(load_config("/"));
}

TEST_CASE("the description of the configuration reads back as the defaults") {
  const auto text = describe_config();
  CHECK(errors_of(text).empty());
  for (const auto* key :
       {"listen", "public_url", "max_connections", "ballast_mib", "token", "directory"})
    CHECK(text.find(std::string(key) + " = ") != std::string::npos);
}

TEST_CASE("the documented example in deploy/ is the description of the configuration") {
  const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  std::ifstream file(root / "deploy" / "amicale.toml.example");
  std::stringstream text;
  text << file.rdbuf();
  // After a change to the table: amicaled --describe-config > deploy/amicale.toml.example
  CHECK(text.str() == describe_config());
}

}  // namespace
}  // namespace amicale
