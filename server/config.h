// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The configuration of one server process: a TOML file, read once at start. Every key is one row of the table in
// config.cc, which holds its type, its default, what is allowed and its documentation; reading, refusing, `--check-config`
// and the documented example in deploy/ all come from that table. A key that is not in it is refused with the nearest
// known one, because a misspelt limit that is silently ignored is a limit that is not there.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace amicale {

// Values, constant after load. Times and sizes carry their unit in the name; 0 means what the key's documentation says.
struct Config {
  struct Server {
    std::vector<std::string> listen;
    std::string public_url;
    std::string data_dir;
    std::uint64_t shards = 0;
    bool allow_plain_text = false;
    std::vector<std::string> trusted_proxies;
    std::uint64_t drain_ms = 0;
  } server;

  struct Tls {
    std::vector<std::string> listen;
    std::string certificate;
    std::string key;
  } tls;

  struct Origins {
    std::vector<std::string> allowed;
  } origins;

  struct Site {
    std::string name;
    std::string language;
  } site;

  struct Limits {
    std::uint64_t max_connections = 0;
    std::uint64_t sockets_per_address = 0;
    std::uint64_t sockets_per_address_unauthenticated = 0;
    std::uint64_t sockets_per_account = 0;
    std::uint64_t handshake_ms = 0;
    std::uint64_t authenticate_ms = 0;
    std::uint64_t heartbeat_ms = 0;
    std::uint64_t dead_ms = 0;
    std::uint64_t no_progress_ms = 0;
    std::uint64_t keep_alive_ms = 0;
    std::uint64_t requests_per_second = 0;
    std::uint64_t request_burst = 0;
    std::uint64_t posts_per_10s = 0;
    std::uint64_t joins_per_minute = 0;
    std::uint64_t ring_events = 0;
  } limits;

  struct Auth {
    std::uint64_t password_threads = 0;
    std::uint64_t password_queue = 0;
    std::uint64_t login_tries_per_account = 0;
    std::uint64_t login_tries_per_address_per_hour = 0;
  } auth;

  struct Storage {
    std::uint64_t free_space_floor_mib = 0;
    std::uint64_t ballast_mib = 0;
    std::uint64_t block_cache_mib = 0;
    std::uint64_t blocking_threads = 0;
  } storage;

  struct Antispam {
    bool enabled = true;
    std::string rules_dir;
    std::string model;
    std::string model_sha256;
  } antispam;

  struct Backup {
    std::string directory;
  } backup;

  struct Metrics {
    std::string token;
  } metrics;

  struct Log {
    std::string level;
    std::string format;
    std::string file;
  } log;
};

// One thing that is wrong with a configuration file. `line` is 1-based; 0 when it concerns the file as a whole.
struct ConfigError {
  std::string file;
  std::uint32_t line = 0;
  std::string message;
};

// "amicale.toml:12: server.shards must be a whole number from 0 to 64, not \"many\""
std::string to_string(const ConfigError& error);

// Every default, and nothing else.
Config default_config();

// Reads `text`; `file` names it in errors. Answers every error that it finds, not only the first.
std::expected<Config, std::vector<ConfigError>> parse_config(std::string_view text,
                                                             std::string_view file);

// Reads the file at `path`, at most 1 MiB of it. A file that cannot be read is an error like any other.
std::expected<Config, std::vector<ConfigError>> load_config(const std::filesystem::path& path);

// Every key with its documentation and its default, as a TOML file that reads back as the defaults.
std::string describe_config();

}  // namespace amicale
