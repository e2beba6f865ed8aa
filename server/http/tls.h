// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <expected>
#include <memory>
#include <string>

namespace amicale::http {

struct TlsFiles {
  std::string certificate;  // PEM chain, leaf first
  std::string key;          // PEM, no passphrase
};

// A server's TLS settings, constant once made: TLS 1.2 with ECDHE and AEAD ciphers, or TLS 1.3. Shared by the
// connections that were accepted under it, on any shard: OpenSSL counts references to it atomically.
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// Reads the files and checks that they belong together and that the certificate is in date. The error says which file
// and why, and never quotes a key. Blocks on the disk: at start, and on a thread that may block after SIGHUP.
std::expected<TlsContext, std::string> load_tls(const TlsFiles& files);

}  // namespace amicale::http
