// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/tls.h"

#include <doctest/doctest.h>
#include <openssl/pem.h>

#include <cstdio>

#include "tests/support/identity.h"

namespace amicale::http {
namespace {

using support::Identity;

TlsFiles files_of(const Identity& identity) { return {identity.certificate(), identity.key()}; }

TEST_CASE("a certificate and its key make a TLS context") {
  const Identity identity(-60, 3600);
  const auto context = load_tls(files_of(identity));
  REQUIRE(context);
  CHECK(SSL_CTX_get_min_proto_version((*context)->native_handle()) == TLS1_2_VERSION);
}

TEST_CASE("only ciphers with forward secrecy and authenticated encryption are offered") {
  const Identity identity(-60, 3600);
  const auto context = load_tls(files_of(identity));
  REQUIRE(context);
  const auto* ciphers = SSL_CTX_get_ciphers((*context)->native_handle());
  REQUIRE(sk_SSL_CIPHER_num(ciphers) > 0);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const auto* cipher = sk_SSL_CIPHER_value(ciphers, i);
    CAPTURE(SSL_CIPHER_get_name(cipher));
    CHECK(SSL_CIPHER_is_aead(cipher) == 1);
    const auto exchange = SSL_CIPHER_get_kx_nid(cipher);
    CHECK((exchange == NID_kx_ecdhe || exchange == NID_kx_any));
  }
}

TEST_CASE("bad files are refused with the file and the reason") {
  const Identity identity(-60, 3600);
  const Identity other(-60, 3600);
  auto files = files_of(identity);

  files.key = other.key();
  CHECK(load_tls(files).error().find("is not the key of") != std::string::npos);
  files.key = "/dev/null";
  CHECK(load_tls(files).error().starts_with("/dev/null: "));
  files.certificate = "/dev/null/none";
  CHECK(load_tls(files).error().starts_with("/dev/null/none: "));
}

TEST_CASE("a certificate out of date is refused") {
  const Identity expired(-7200, -3600);
  CHECK(load_tls(files_of(expired)).error().ends_with("has expired"));
  const Identity future(3600, 7200);
  CHECK(load_tls(files_of(future)).error().ends_with("is not valid yet"));
}

TEST_CASE("a key with a passphrase is refused without asking for it") {
  const Identity identity(-60, 3600);
  auto* file = std::fopen(identity.key().c_str(), "w");
  auto* key = EVP_EC_gen("P-256");
  char secret[] = "secret";
  PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), reinterpret_cast<unsigned char*>(secret), 6,
                       nullptr, nullptr);
  EVP_PKEY_free(key);
  std::fclose(file);
  CHECK(load_tls(files_of(identity)).error().starts_with(identity.key()));
}

}  // namespace
}  // namespace amicale::http
