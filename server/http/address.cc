// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/address.h"

#include <algorithm>
#include <charconv>

namespace amicale::http {
namespace ip = boost::asio::ip;

namespace {

constexpr std::string_view kEndpointForm =
    "must be ADDRESS:PORT, as in 127.0.0.1:8080 or [::1]:8080";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<Address> parse_address(std::string_view text) {
  boost::system::error_code error;
  auto address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return unmapped(address);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_host_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(".-_[]:").find(c) != std::string_view::npos;
}

}  // namespace

std::expected<Endpoint, std::string> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(std::string(kEndpointForm));
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto port = parse_port(text.substr(colon + 1));
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(host), error);
  if (error || !port || address.is_v6() != bracketed)
    return std::unexpected(std::string(kEndpointForm));
  return Endpoint(address, *port);
}

Address unmapped(const Address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

Address counted_address(const Address& address) {
  auto plain = unmapped(address);
  if (plain.is_v4()) return plain;
  auto bytes = plain.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return ip::make_address_v6(bytes);
}

std::expected<Networks, std::string> Networks::parse(const std::vector<std::string>& entries) {
  Networks networks;
  for (const auto& entry : entries) {
    boost::system::error_code error;
    if (const auto address = parse_address(entry)) {
      if (address->is_v4())
        networks.v4_.emplace_back(address->to_v4(), std::uint16_t{32});
      else
        networks.v6_.emplace_back(address->to_v6(), std::uint16_t{128});
      continue;
    }
    if (const auto v4 = ip::make_network_v4(entry, error); !error) {
      networks.v4_.push_back(v4.canonical());
      continue;
    }
    error = {};
    if (const auto v6 = ip::make_network_v6(entry, error); !error) {
      networks.v6_.push_back(v6.canonical());
      continue;
    }
    return std::unexpected("\"" + entry +
                           "\" must be an address or a network, as in 10.0.0.7 or 10.0.0.0/8");
  }
  return networks;
}

bool Networks::contains(const Address& address) const {
  const auto plain = unmapped(address);
  if (plain.is_v4()) {
    return std::ranges::any_of(v4_, [&](const ip::network_v4& network) {
      return ip::network_v4(plain.to_v4(), network.prefix_length()).canonical() == network;
    });
  }
  return std::ranges::any_of(v6_, [&](const ip::network_v6& network) {
    return ip::network_v6(plain.to_v6(), network.prefix_length()).canonical() == network;
  });
}

Address client_address(const Address& peer, std::string_view forwarded_for,
                       const Networks& trusted_proxies) {
  auto proved = unmapped(peer);
  while (!forwarded_for.empty() && trusted_proxies.contains(proved)) {
    const auto comma = forwarded_for.rfind(',');
    const auto last =
        comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    forwarded_for =
        comma == std::string_view::npos ? std::string_view() : forwarded_for.substr(0, comma);
    const auto next = parse_address(trimmed(last));
    if (!next) break;
    proved = *next;
  }
  return proved;
}

std::optional<std::string> origin_of(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const auto scheme = url.substr(0, scheme_end);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  auto authority = url.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  // The last colon starts a port unless it lies inside the brackets of an IPv6 address.
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string host(has_port ? authority.substr(0, colon) : authority);
  // Names as browsers write them: anything else (a user, a wildcard, a space, an accent) is not a host.
  if (host.empty() || !std::ranges::all_of(host, is_host_letter)) return std::nullopt;
  if (host.front() == '[') {
    boost::system::error_code wrong;
    boost::asio::ip::make_address_v6(host.substr(1, host.size() - 2), wrong);
    if (wrong || host.back() != ']') return std::nullopt;
  } else if (host.find_first_of("[]:") != std::string::npos) {
    return std::nullopt;
  }
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  std::string origin = std::string(scheme) + "://" + host;
  if (has_port) {
    const auto port = parse_port(authority.substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    if (*port != (scheme == "https" ? 443 : 80)) origin += ":" + std::to_string(*port);
  }
  return origin;
}

}  // namespace amicale::http
