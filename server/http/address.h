// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Where a connection comes from and which web page sent it: endpoints of the configuration, networks of trusted
// proxies, the client's address behind them, and the origin of a URL. Pure functions over text and addresses.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace amicale::http {

using Address = boost::asio::ip::address;
using Endpoint = boost::asio::ip::tcp::endpoint;

// Reads "127.0.0.1:8080" or "[::1]:8080": an address and a port, never a name, because a listener that depends on a
// name server may not come up. Port 0 lets the system choose. The error says what is allowed.
std::expected<Endpoint, std::string> parse_endpoint(std::string_view text);

// An IPv4 address that arrived as IPv4-mapped IPv6 counts as the IPv4 one, so that caps and networks see one address.
Address unmapped(const Address& address);

// What a connection cap counts: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber is given.
Address counted_address(const Address& address);

// A set of addresses and networks ("10.0.0.0/8", "::1"). Read once from the configuration, then constant.
class Networks {
 public:
  // The error names the entry that is not an address or a network.
  static std::expected<Networks, std::string> parse(const std::vector<std::string>& entries);
  bool contains(const Address& address) const;
  bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  std::vector<boost::asio::ip::network_v4> v4_;
  std::vector<boost::asio::ip::network_v6> v6_;
};

// The address that a request comes from. X-Forwarded-For is believed only as far as it was written by trusted proxies:
// read from the right, the first address that is not one of them is the client; anything unreadable ends the walk at
// the last address that was proved.
Address client_address(const Address& peer, std::string_view forwarded_for,
                       const Networks& trusted_proxies);

// The origin of a URL as browsers send it ("https://chat.example.org", default ports left out, host in lower case).
// Nothing when it is not an http or https URL with a host, or when it carries a user or password.
std::optional<std::string> origin_of(std::string_view url);

}  // namespace amicale::http
