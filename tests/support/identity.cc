// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/support/identity.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <stdexcept>

namespace amicale::support {
namespace {

void add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  if (extension == nullptr) throw std::runtime_error("certificate extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <class Write>
void write_file(const std::filesystem::path& path, Write write) {
  auto* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw std::runtime_error("cannot write " + path.string());
  write(file);
  std::fclose(file);
}

}  // namespace

Identity::Identity(long from_s, long to_s) {
  auto pattern = (std::filesystem::temp_directory_path() / "amicale-identity-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  auto* key_pair = EVP_EC_gen("P-256");
  auto* certificate_ = X509_new();
  X509_set_version(certificate_, 2);
  // A serial of its own, so that a test can tell one certificate from the next.
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate_), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate_), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate_), to_s);
  auto* name = X509_get_subject_name(certificate_);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate_, name);
  X509_set_pubkey(certificate_, key_pair);
  add_extension(certificate_, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  X509_sign(certificate_, key_pair, EVP_sha256());
  write_file(certificate(), [&](std::FILE* file) { PEM_write_X509(file, certificate_); });
  write_file(key(), [&](std::FILE* file) {
    PEM_write_PrivateKey(file, key_pair, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(certificate_);
  EVP_PKEY_free(key_pair);
}

Identity::~Identity() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace amicale::support
