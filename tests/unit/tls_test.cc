// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/tls.h"

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace amicale::http {
namespace {

// A key and a self-signed certificate for it, valid from `from_s` to `to_s` seconds from now, in files of a folder
// that goes away with the object.
class Identity {
 public:
  Identity(long from_s, long to_s) {
    auto pattern = (std::filesystem::temp_directory_path() / "amicale-tls-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    auto* key = EVP_EC_gen("P-256");
    auto* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to_s);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    auto* file = std::fopen(files().certificate.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(files().key.c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~Identity() { std::filesystem::remove_all(folder_); }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  TlsFiles files() const { return {folder_ / "cert.pem", folder_ / "key.pem"}; }

 private:
  std::filesystem::path folder_;
};

TEST_CASE("a certificate and its key make a TLS context") {
  const Identity identity(-60, 3600);
  const auto context = load_tls(identity.files());
  REQUIRE(context);
  CHECK(SSL_CTX_get_min_proto_version((*context)->native_handle()) == TLS1_2_VERSION);
}

TEST_CASE("only ciphers with forward secrecy and authenticated encryption are offered") {
  const Identity identity(-60, 3600);
  const auto context = load_tls(identity.files());
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
  auto files = identity.files();

  files.key = other.files().key;
  CHECK(load_tls(files).error().find("is not the key of") != std::string::npos);
  files.key = "/dev/null";
  CHECK(load_tls(files).error().starts_with("/dev/null: "));
  files.certificate = "/dev/null/none";
  CHECK(load_tls(files).error().starts_with("/dev/null/none: "));
}

TEST_CASE("a certificate out of date is refused") {
  const Identity expired(-7200, -3600);
  CHECK(load_tls(expired.files()).error().ends_with("has expired"));
  const Identity future(3600, 7200);
  CHECK(load_tls(future.files()).error().ends_with("is not valid yet"));
}

TEST_CASE("a key with a passphrase is refused without asking for it") {
  const Identity identity(-60, 3600);
  auto* file = std::fopen(identity.files().key.c_str(), "w");
  auto* key = EVP_EC_gen("P-256");
  char secret[] = "secret";
  PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), reinterpret_cast<unsigned char*>(secret), 6,
                       nullptr, nullptr);
  EVP_PKEY_free(key);
  std::fclose(file);
  CHECK(load_tls(identity.files()).error().starts_with(identity.files().key));
}

}  // namespace
}  // namespace amicale::http
