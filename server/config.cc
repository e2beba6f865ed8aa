// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Longer than most files: it is one table of every key, and the four readers of that table.
#include "server/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <variant>

#include "server/domain/limits.h"
#include "server/http/address.h"

namespace amicale {
namespace {

namespace limits = domain::limits;
using Texts = std::vector<std::string>;

constexpr std::uint64_t kMiB = 1024 * 1024;

// Says what is wrong with a value, as a sentence that follows the key's name; empty when nothing is.
using Check = std::string (*)(const std::string& value);

struct Text {
  std::string& (*at)(Config&);
  std::string_view standard;
  Check check;
};
struct Choice {
  std::string& (*at)(Config&);
  std::string_view standard;
  Texts allowed;
};
struct List {
  Texts& (*at)(Config&);
  Texts standard;
  Check check;
};
struct Number {
  std::uint64_t& (*at)(Config&);
  std::uint64_t standard, least, most;
};
struct Flag {
  bool& (*at)(Config&);
  bool standard;
};

struct Key {
  std::string_view section, name;
  std::variant<Text, Choice, List, Number, Flag> kind;
  std::string_view documentation;  // lines of at most 98 columns
};

struct Section {
  std::string_view name, documentation;
};

bool holds(const Texts& list, const std::string& value) {
  return std::ranges::find(list, value) != list.end();
}

std::string check_endpoint(const std::string& value) {
  const auto endpoint = http::parse_endpoint(value);
  return endpoint ? "" : endpoint.error();
}

std::string check_network(const std::string& value) {
  const auto networks = http::Networks::parse({value});
  return networks ? "" : "must be an address or a network, as in 10.0.0.7 or 10.0.0.0/8";
}

std::string check_url(const std::string& value) {
  if (!http::origin_of(value))
    return "must be an http or https URL, as in https://chat.example.org";
  if (value.find_first_of("?#") != std::string::npos) return "must not carry a query or a fragment";
  return "";
}

std::string check_origin(const std::string& value) {
  const auto origin = http::origin_of(value);
  if (origin && *origin == value) return "";
  return "must be an origin exactly as browsers send it, as in https://chat.example.org (no path, "
         "no wildcard, host in "
         "lower case, no default port)";
}

std::string check_not_empty(const std::string& value) {
  return value.empty() ? "must not be empty" : "";
}

std::string check_site_name(const std::string& value) {
  return value.empty() || value.size() > 128 ? "must have 1 to 128 bytes" : "";
}

std::string check_metrics_token(const std::string& value) {
  return value.empty() || value.size() >= 16 ? "" : "must be empty or have at least 16 bytes";
}

std::string check_any(const std::string&) { return ""; }

const std::vector<Section>& sections() {
  static const std::vector<Section> table = {
      {"server", "The process, and where it listens."},
      {"tls",
       "Listening with TLS 1.2 or later. SIGHUP reads the two files again: new connections get the "
       "new\n"
       "certificate, open ones keep theirs; if the new files are bad, the old certificate stays in "
       "use."},
      {"origins", "Which web pages may open a connection."},
      {"site", "The site as its members see it."},
      {"limits",
       "Bounds that may differ between sites. Every other bound is fixed and told to clients on "
       "connection."},
      {"auth", "Passwords."},
      {"storage", "The data folder."},
      {"antispam", "Unwanted messages."},
      {"backup", "Online backups."},
      {"metrics", "GET /metrics, in Prometheus text form."},
      {"log",
       "The server's own log: one structured line per fact, never a secret nor the text of a "
       "message."},
  };
  return table;
}

// The one place that knows every key.
const std::vector<Key>& keys() {
  static const std::vector<Key> table = {
      {"server", "listen",
       List{
           [](Config& c) -> Texts& { return c.server.listen; }, {"127.0.0.1:8080"}, check_endpoint},
       "Addresses for plain text (HTTP and WebSocket). Only loopback ones are accepted, for a "
       "reverse proxy\n"
       "or a local client, unless allow_plain_text is set. IPv6 as \"[::1]:8080\"; port 0 takes a "
       "free one."},
      {"server", "public_url",
       Text{[](Config& c) -> std::string& { return c.server.public_url; }, "http://127.0.0.1:8080",
            check_url},
       "Where people reach the site: begins invitation links, and its origin may always connect."},
      {"server", "data_dir",
       Text{[](Config& c) -> std::string& { return c.server.data_dir; }, "/var/lib/amicale",
            check_not_empty},
       "The folder that holds everything. One process at a time."},
      {"server", "shards",
       Number{[](Config& c) -> std::uint64_t& { return c.server.shards; }, 0, 0, 64},
       "Threads that serve connections and clubs. 0 = one per core but one, at least 1 and at most "
       "4."},
      {"server", "allow_plain_text",
       Flag{[](Config& c) -> bool& { return c.server.allow_plain_text; }, false},
       "Allows `listen` beyond loopback. Passwords then cross the network readable unless "
       "something else\n"
       "encrypts it (a reverse proxy on another machine, a VPN)."},
      {"server", "trusted_proxies",
       List{[](Config& c) -> Texts& { return c.server.trusted_proxies; }, {}, check_network},
       "Reverse proxies, as addresses or networks, whose X-Forwarded-For is believed. Without the "
       "right\n"
       "entry here, everybody behind a proxy counts as one address."},
      {"server", "drain_ms",
       Number{[](Config& c) -> std::uint64_t& { return c.server.drain_ms; }, limits::drain_ms, 0,
              60000},
       "Time for open connections to end in good order after SIGTERM. A second signal exits at "
       "once."},

      {"tls", "listen", List{[](Config& c) -> Texts& { return c.tls.listen; }, {}, check_endpoint},
       "Addresses for TLS (HTTPS and secure WebSocket), as in \"0.0.0.0:443\"."},
      {"tls", "certificate",
       Text{[](Config& c) -> std::string& { return c.tls.certificate; }, "", check_any},
       "The certificate chain, leaf first, in a PEM file."},
      {"tls", "key", Text{[](Config& c) -> std::string& { return c.tls.key; }, "", check_any},
       "Its private key, in a PEM file without a passphrase that only the server's user can read."},

      {"origins", "allowed",
       List{[](Config& c) -> Texts& { return c.origins.allowed; }, {}, check_origin},
       "Origins besides public_url's own, compared exactly. Clients that are not browsers send no "
       "Origin and\n"
       "are not concerned."},

      {"site", "name",
       Text{[](Config& c) -> std::string& { return c.site.name; }, "Amicale", check_site_name},
       "Shown on invitation pages and by clients."},
      {"site", "language",
       Choice{[](Config& c) -> std::string& { return c.site.language; }, "fr", {"fr", "en"}},
       "Language where neither the account nor the club says one."},

      {"limits", "max_connections",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.max_connections; }, 0, 0, 1000000},
       "Open connections in all. 0 = what the limit of file descriptors leaves; the server raises "
       "its soft\n"
       "limit to the hard one at start, and refuses to start when that is too low for this "
       "number."},
      {"limits", "sockets_per_address",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.sockets_per_address; },
              limits::sockets_per_address, 1, 1000000},
       "Open connections from one address (an IPv6 /64 counts as one)."},
      {"limits", "sockets_per_address_unauthenticated",
       Number{
           [](Config& c) -> std::uint64_t& { return c.limits.sockets_per_address_unauthenticated; },
           limits::sockets_per_address_unauthenticated, 1, 1000000},
       "Of these, how many at once that have not proved who they are."},
      {"limits", "sockets_per_account",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.sockets_per_account; },
              limits::sockets_per_account, 1, 10000},
       "Live connections of one account."},
      {"limits", "handshake_ms",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.handshake_ms; },
              limits::handshake_ms, 50, 60000},
       "Time for the TLS handshake, and again for the header of a request."},
      {"limits", "authenticate_ms",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.authenticate_ms; },
              limits::authenticate_ms, 50, 120000},
       "Time for a WebSocket connection to authenticate."},
      {"limits", "heartbeat_ms",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.heartbeat_ms; },
              limits::heartbeat_ms, 50, 600000},
       "How often a client shows that it is there."},
      {"limits", "dead_ms",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.dead_ms; }, limits::dead_ms, 100,
              3600000},
       "Silence after which a connection is taken for dead. Must exceed heartbeat_ms."},
      {"limits", "no_progress_ms",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.no_progress_ms; },
              limits::no_progress_ms, 100, 3600000},
       "How long a reader may take nothing of what waits for it before it is cut. It can resume "
       "where it was."},
      {"limits", "keep_alive_ms",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.keep_alive_ms; },
              limits::http_keep_alive_ms, 50, 600000},
       "How long an HTTP connection may wait for its next request."},
      {"limits", "requests_per_second",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.requests_per_second; },
              limits::requests_per_second, 1, 100000},
       "Requests of one connection, sustained."},
      {"limits", "request_burst",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.request_burst; },
              limits::request_burst, 1, 1000000},
       "Requests of one connection, at once."},
      {"limits", "posts_per_10s",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.posts_per_10s; },
              limits::posts_per_10s, 1, 1000000},
       "Messages of one member in ten seconds."},
      {"limits", "joins_per_minute",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.joins_per_minute; },
              limits::raid_joins_per_minute, 0, 1000000},
       "Arrivals in one club by links in a minute; above them, and above five times what is usual, "
       "raid mode\n"
       "starts by itself. 0: it never does, neither by arrivals nor by posts alike."},
      {"limits", "ring_events",
       Number{[](Config& c) -> std::uint64_t& { return c.limits.ring_events; }, limits::ring_events,
              16, 1048576},
       "Recent events that stay in memory for each club that is followed. Readers further behind "
       "are fed from\n"
       "the disk."},

      {"auth", "password_threads",
       Number{[](Config& c) -> std::uint64_t& { return c.auth.password_threads; },
              limits::password_threads, 1, 16},
       "Threads for argon2id. Few, so that a flood of logins leaves the processor to the chat."},
      {"auth", "password_queue",
       Number{[](Config& c) -> std::uint64_t& { return c.auth.password_queue; },
              limits::password_queue, 1, 10000},
       "Logins that may wait for a hashing thread; more are refused as OVERLOADED."},
      {"auth", "login_tries_per_account",
       Number{[](Config& c) -> std::uint64_t& { return c.auth.login_tries_per_account; },
              limits::login_tries_per_account, 1, 1000000},
       "Wrong passwords for one account in 15 minutes."},
      {"auth", "login_tries_per_address_per_hour",
       Number{[](Config& c) -> std::uint64_t& { return c.auth.login_tries_per_address_per_hour; },
              limits::login_tries_per_address_per_hour, 1, 1000000},
       "Wrong passwords from one address in an hour."},

      {"storage", "free_space_floor_mib",
       Number{[](Config& c) -> std::uint64_t& { return c.storage.free_space_floor_mib; },
              limits::free_space_floor_bytes / kMiB, 0, 1048576},
       "Below this much free disk, posting is refused as NO_SPACE; reading goes on."},
      {"storage", "ballast_mib",
       Number{[](Config& c) -> std::uint64_t& { return c.storage.ballast_mib; },
              limits::ballast_bytes / kMiB, 0, 65536},
       "Size of a file that is kept only to be given up, so that a start on a full disk succeeds. "
       "0 = none."},
      {"storage", "block_cache_mib",
       Number{[](Config& c) -> std::uint64_t& { return c.storage.block_cache_mib; }, 64, 1,
              1048576},
       "Memory for blocks read from the disk."},
      {"storage", "blocking_threads",
       Number{[](Config& c) -> std::uint64_t& { return c.storage.blocking_threads; }, 2, 1, 64},
       "Threads for history pages, snapshots and catching up."},

      {"antispam", "enabled", Flag{[](Config& c) -> bool& { return c.antispam.enabled; }, true},
       "Judges what members write in clubs before it is posted (docs/antispam.md)."},
      {"antispam", "rules_dir",
       Text{[](Config& c) -> std::string& { return c.antispam.rules_dir; }, "", check_any},
       "Folder of rules files: standard.toml for every club, and SLUG.toml for one of its own.\n"
       "Empty = the built-in rules."},
      {"antispam", "model",
       Text{[](Config& c) -> std::string& { return c.antispam.model; }, "", check_any},
       "A learned score of your own, made by `amicale admin spam train`. Empty = the one that the "
       "program carries."},
      {"antispam", "model_sha256",
       Text{[](Config& c) -> std::string& { return c.antispam.model_sha256; }, "", check_any},
       "The SHA-256 that `train` printed for it: another file is not used, and the server does not "
       "start."},

      {"backup", "directory",
       Text{[](Config& c) -> std::string& { return c.backup.directory; }, "", check_any},
       "Where `amicale admin backup` puts its copies, preferably another disk. Empty = backups are "
       "refused."},

      {"metrics", "token",
       Text{[](Config& c) -> std::string& { return c.metrics.token; }, "", check_metrics_token},
       "Callers beyond loopback must send this as \"Authorization: Bearer TOKEN\". Empty = "
       "loopback only. Keep\n"
       "this file readable by the server's user alone if it is set."},

      {"log", "level",
       Choice{[](Config& c) -> std::string& { return c.log.level; },
              "info",
              {"debug", "info", "warning", "error"}},
       "The least that is logged."},
      {"log", "format",
       Choice{[](Config& c) -> std::string& { return c.log.format; }, "text", {"text", "json"}},
       "text = words and key=value; json = one object per line."},
      {"log", "file", Text{[](Config& c) -> std::string& { return c.log.file; }, "", check_any},
       "Appended to. Empty = standard error, which systemd keeps in its journal."},
  };
  return table;
}

// Keys, values and names of the file come from outside: shortened and made printable before they go into an error.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 60))
    out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  return text.size() > 60 ? out + "…" : out;
}

std::string quoted(const std::string& value) { return "\"" + shown(value) + "\""; }

std::string full_name(const Key& key) { return fmt::format("{}.{}", key.section, key.name); }

// Number of single-letter edits (insert, delete, replace) between two names: Wagner and Fischer, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// The known name closest to `name`, or nothing when none is close enough to be meant. Names beyond 64 bytes are not
// compared: the distance costs their product.
std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  if (name.size() > 64) return "";
  std::string best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : known) {
    const auto distance = edit_distance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggestion(std::string_view section, std::string_view name) {
  Texts here;
  Texts elsewhere;
  for (const auto& key : keys()) {
    if (key.section == section) here.emplace_back(key.name);
    if (key.name == name) elsewhere.push_back(full_name(key));
  }
  if (!elsewhere.empty()) return fmt::format("; did you mean {}?", fmt::join(elsewhere, " or "));
  if (const auto near = nearest(name, here); !near.empty())
    return fmt::format("; did you mean {}?", near);
  return fmt::format("; [{}] knows {}", section, fmt::join(here, ", "));
}

std::string kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

// Puts one value into `config`; answers what is wrong with it, or nothing.
struct Assign {
  Config& config;
  const toml::node& node;

  std::string operator()(const Text& text) const {
    const auto value = node.value_exact<std::string>();
    if (!value) return fmt::format("must be a text in quotes, not {}", kind_of(node));
    if (const auto wrong = text.check(*value); !wrong.empty())
      return fmt::format("{}, not {}", wrong, quoted(*value));
    text.at(config) = *value;
    return "";
  }
  std::string operator()(const Choice& choice) const {
    const auto value = node.value_exact<std::string>();
    if (value && holds(choice.allowed, *value)) {
      choice.at(config) = *value;
      return "";
    }
    Texts allowed;
    for (const auto& one : choice.allowed) allowed.push_back(quoted(one));
    return fmt::format("must be {}, not {}", fmt::join(allowed, " or "),
                       value ? quoted(*value) : kind_of(node));
  }
  std::string operator()(const List& list) const {
    const auto* array = node.as_array();
    if (array == nullptr)
      return fmt::format("must be a list of texts, as in [\"…\"], not {}", kind_of(node));
    Texts values;
    for (const auto& element : *array) {
      const auto value = element.value_exact<std::string>();
      if (!value) return fmt::format("must hold texts in quotes only, not {}", kind_of(element));
      if (const auto wrong = list.check(*value); !wrong.empty())
        return fmt::format("has an entry that {}, not {}", wrong, quoted(*value));
      values.push_back(*value);
    }
    list.at(config) = std::move(values);
    return "";
  }
  std::string operator()(const Number& number) const {
    const auto value = node.value_exact<std::int64_t>();
    const auto allowed =
        fmt::format("must be a whole number from {} to {}", number.least, number.most);
    if (!value) return fmt::format("{}, not {}", allowed, kind_of(node));
    if (*value < 0 || static_cast<std::uint64_t>(*value) < number.least ||
        static_cast<std::uint64_t>(*value) > number.most)
      return fmt::format("{}, not {}", allowed, *value);
    number.at(config) = static_cast<std::uint64_t>(*value);
    return "";
  }
  std::string operator()(const Flag& flag) const {
    const auto value = node.value_exact<bool>();
    if (!value) return fmt::format("must be true or false, not {}", kind_of(node));
    flag.at(config) = *value;
    return "";
  }
};

// Collects what is wrong, with its line.
class Errors {
 public:
  explicit Errors(std::string_view file) : file_(file) {}
  void add(std::uint32_t line, std::string message) {
    list_.push_back({file_, line, std::move(message)});
  }
  std::vector<ConfigError>& list() { return list_; }

 private:
  std::string file_;
  std::vector<ConfigError> list_;
};

std::uint32_t line_of(const toml::table& root, std::string_view section, std::string_view name) {
  const auto node = root[section][name];
  return node ? node.node()->source().begin.line : 0;
}

void read_section(std::string_view section, const toml::table& table, Config& config,
                  Errors& errors) {
  for (const auto& [name, node] : table) {
    const auto key = std::ranges::find_if(
        keys(), [&](const Key& k) { return k.section == section && k.name == name.str(); });
    if (key == keys().end()) {
      errors.add(name.source().begin.line,
                 fmt::format("unknown key {}.{}{}", section, shown(name.str()),
                             suggestion(section, name.str())));
      continue;
    }
    if (const auto wrong = std::visit(Assign{config, node}, key->kind); !wrong.empty())
      errors.add(node.source().begin.line, fmt::format("{} {}", full_name(*key), wrong));
  }
}

void read_sections(const toml::table& root, Config& config, Errors& errors) {
  Texts known;
  for (const auto& section : sections()) known.emplace_back(section.name);
  for (const auto& [name, node] : root) {
    const std::string section(name.str());
    if (!holds(known, section)) {
      const auto near = nearest(section, known);
      errors.add(name.source().begin.line,
                 near.empty() ? fmt::format("unknown section [{}]; known are {}", shown(section),
                                            fmt::join(known, ", "))
                              : fmt::format("unknown section [{}]; did you mean [{}]?",
                                            shown(section), near));
    } else if (const auto* table = node.as_table()) {
      read_section(section, *table, config, errors);
    } else {
      errors.add(name.source().begin.line,
                 fmt::format("{} must be a section, as in [{}]", section, section));
    }
  }
}

// Rules that concern several keys at once.
void check_together(const toml::table& root, const Config& config, Errors& errors) {
  const auto fail = [&](std::string_view section, std::string_view name, std::string message) {
    errors.add(line_of(root, section, name), fmt::format("{}.{} {}", section, name, message));
  };
  if (config.server.listen.empty() && config.tls.listen.empty())
    fail("server", "listen", "and tls.listen must not both be empty");
  for (const auto& text : config.server.listen) {
    const auto endpoint = http::parse_endpoint(text);
    if (endpoint && !http::unmapped(endpoint->address()).is_loopback() &&
        !config.server.allow_plain_text)
      fail("server", "listen",
           fmt::format("must be loopback, not {}: use tls.listen, or set server.allow_plain_text",
                       quoted(text)));
  }
  if (config.tls.certificate.empty() != config.tls.key.empty())
    fail("tls", config.tls.key.empty() ? "certificate" : "key",
         "needs both tls.certificate and tls.key");
  if (!config.tls.listen.empty() && config.tls.certificate.empty())
    fail("tls", "listen", "needs tls.certificate and tls.key");
  if (config.limits.dead_ms <= config.limits.heartbeat_ms)
    fail("limits", "dead_ms",
         fmt::format("must exceed limits.heartbeat_ms, which is {}", config.limits.heartbeat_ms));
}

std::string toml_text(std::string_view value) { return fmt::format("\"{}\"", value); }

// A key's default as it is written in the file. Defaults hold no character that TOML would escape.
struct WriteDefault {
  std::string operator()(const Text& text) const { return toml_text(text.standard); }
  std::string operator()(const Choice& choice) const { return toml_text(choice.standard); }
  std::string operator()(const List& list) const {
    Texts values;
    for (const auto& value : list.standard) values.push_back(toml_text(value));
    return fmt::format("[{}]", fmt::join(values, ", "));
  }
  std::string operator()(const Number& number) const { return std::to_string(number.standard); }
  std::string operator()(const Flag& flag) const { return flag.standard ? "true" : "false"; }
};

// What a key allows, where its documentation does not have to say it.
struct WriteAllowed {
  std::string operator()(const Text&) const { return ""; }
  std::string operator()(const List&) const { return ""; }
  std::string operator()(const Flag&) const { return ""; }
  std::string operator()(const Number& number) const {
    return fmt::format("{} to {}.", number.least, number.most);
  }
  std::string operator()(const Choice& choice) const {
    return fmt::format("{}.", fmt::join(choice.allowed, " or "));
  }
};

struct SetDefault {
  Config& config;
  void operator()(const Text& text) const { text.at(config) = text.standard; }
  void operator()(const Choice& choice) const { choice.at(config) = choice.standard; }
  void operator()(const List& list) const { list.at(config) = list.standard; }
  void operator()(const Number& number) const { number.at(config) = number.standard; }
  void operator()(const Flag& flag) const { flag.at(config) = flag.standard; }
};

void write_comment(std::string& out, std::string_view text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    out += fmt::format("# {}\n", text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

std::string to_string(const ConfigError& error) {
  if (error.line == 0) return fmt::format("{}: {}", error.file, error.message);
  return fmt::format("{}:{}: {}", error.file, error.line, error.message);
}

Config default_config() {
  Config config;
  for (const auto& key : keys()) std::visit(SetDefault{config}, key.kind);
  return config;
}

std::expected<Config, std::vector<ConfigError>> parse_config(std::string_view text,
                                                             std::string_view file) {
  auto config = default_config();
  Errors errors(file);
  try {
    const auto root = toml::parse(text, file);
    read_sections(root, config, errors);
    if (errors.list().empty()) check_together(root, config, errors);
  } catch (const toml::parse_error& error) {
    errors.add(error.source().begin.line, shown(error.description()));
  }
  if (!errors.list().empty()) {
    std::ranges::sort(errors.list(), {},
                      [](const ConfigError& e) { return std::tie(e.line, e.message); });
    return std::unexpected(std::move(errors.list()));
  }
  return config;
}

std::expected<Config, std::vector<ConfigError>> load_config(const std::filesystem::path& path) {
  constexpr std::size_t kMostBytes = 1 << 20;
  const auto refuse = [&](std::string message) {
    return std::unexpected(std::vector<ConfigError>{{path.string(), 0, std::move(message)}});
  };
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) return refuse("cannot be read");
  std::string text(kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMostBytes) return refuse("is larger than 1 MiB");
  return parse_config(text, path.string());
}

std::string describe_config() {
  std::string out =
      "# Configuration of the Amicale server: every key, with its default. Copy what you change.\n"
      "# `amicaled --config FILE --check-config` says what is wrong with a file, line by line.\n";
  for (const auto& section : sections()) {
    out += "\n";
    write_comment(out, section.documentation);
    out += fmt::format("[{}]\n", section.name);
    for (const auto& key : keys()) {
      if (key.section != section.name) continue;
      out += "\n";
      write_comment(out, key.documentation);
      write_comment(out, std::visit(WriteAllowed{}, key.kind));
      out += fmt::format("{} = {}\n", key.name, std::visit(WriteDefault{}, key.kind));
    }
  }
  return out;
}

}  // namespace amicale
