// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509err.h>

namespace amicale::http {
namespace {

// Forward secrecy and authenticated encryption only (Mozilla's "intermediate", without DHE and its cost).
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

std::string openssl_reason() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const auto* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unreadable" : reason;
}

std::unexpected<std::string> refuse(const std::string& file, std::string_view why) {
  return std::unexpected(file + ": " + std::string(why));
}

// OpenSSL would ask the terminal for a passphrase; a daemon has none.
int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

std::expected<TlsContext, std::string> load_tls(const TlsFiles& files) {
  ERR_clear_error();
  auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  auto* ssl = context->native_handle();
  SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  if (SSL_CTX_set_cipher_list(ssl, kTls12Ciphers) != 1)
    return refuse(files.certificate, openssl_reason());
  SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                               SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection gives its 34 KiB of buffers back.
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  // Each session ticket sent at the handshake is one write more; a client resumes with one.
  SSL_CTX_set_num_tickets(ssl, 1);
  if (SSL_CTX_use_certificate_chain_file(ssl, files.certificate.c_str()) != 1)
    return refuse(files.certificate, openssl_reason());
  if (SSL_CTX_use_PrivateKey_file(ssl, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
      return refuse(files.key, "is not the key of " + files.certificate);
    return refuse(files.key, openssl_reason());
  }
  const auto* leaf = SSL_CTX_get0_certificate(ssl);
  if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
    return refuse(files.certificate, "has expired");
  if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
    return refuse(files.certificate, "is not valid yet");
  return context;
}

}  // namespace amicale::http
