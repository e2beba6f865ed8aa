// SPDX-License-Identifier: Apache-2.0
//
// The checks: formats and trees. The watch is in audit_watch.cc.
#include "amicale/client/audit.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace amicale::client {
namespace {

constexpr std::size_t hash_bytes = 32;
constexpr std::size_t key_bytes = 32;
constexpr std::size_t signature_bytes = 64;
constexpr char format_of_hashes = 1;
// First byte of what is hashed.
constexpr char leaf_label = 0, node_label = 1, actor_label = 2, subject_label = 3,
               details_label = 4;

std::string sha256(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  std::string digest(hash_bytes, '\0');
  // Only a broken OpenSSL fails here; what comes out then equals no honest hash.
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return {};
  for (const auto part : parts) EVP_DigestUpdate(context.get(), part.data(), part.size());
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

void add_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void add_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void add_stream(std::string& out, const v1::StreamId& stream) {
  out.push_back(static_cast<char>(stream.kind()));
  add_u64(out, stream.id());
}

std::string node_of(std::string_view left, std::string_view right) {
  return sha256({std::string_view(&node_label, 1), left, right});
}

// What is hashed of a kind is one byte: another number must not pass for it.
bool fits(const v1::StreamId& stream) { return stream.kind() >= 0 && stream.kind() <= 0xff; }

bool well_formed(const v1::AuditRecord& record) {
  return fits(record.stream()) && record.number() > 0 && record.seq() > 0 &&
         record.previous().size() == hash_bytes && record.entry_hash().size() == hash_bytes &&
         record.actor().size() == hash_bytes && record.subject().size() == hash_bytes &&
         record.details().size() == hash_bytes;
}

std::string leaf_of(const v1::AuditRecord& record) {
  std::string bytes = "amicale audit record";
  bytes.push_back(format_of_hashes);
  add_stream(bytes, record.stream());
  add_u64(bytes, record.number());
  add_u64(bytes, record.seq());
  add_u64(bytes, static_cast<std::uint64_t>(record.time_ms()));
  add_u32(bytes, record.act());
  bytes.push_back(record.automatic() ? 1 : 0);
  for (const auto* hash : {&record.previous(), &record.entry_hash(), &record.actor(),
                           &record.subject(), &record.details()}) {
    bytes += *hash;
  }
  return sha256({std::string_view(&leaf_label, 1), bytes});
}

bool verify(std::string_view public_key, std::string_view bytes, std::string_view signature) {
  if (public_key.size() != key_bytes || signature.size() != signature_bytes) return false;
  const auto* raw_key = reinterpret_cast<const unsigned char*>(public_key.data());
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw_key, public_key.size()),
      EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                          bytes.size()) == 1;
}

bool is_handover(const v1::AuditKey& from, const v1::AuditKey& to) {
  std::string bytes = "amicale audit key";
  bytes.push_back(format_of_hashes);
  bytes += from.public_key();
  bytes += to.public_key();
  add_u64(bytes, static_cast<std::uint64_t>(to.since_ms()));
  return from.public_key().size() == key_bytes && to.public_key().size() == key_bytes &&
         verify(from.public_key(), bytes, to.signature());
}

// RFC 9162, 2.1.3.2. `index` is from 0.
bool is_included(std::uint64_t index, std::uint64_t size, std::string hash,
                 const google::protobuf::RepeatedPtrField<std::string>& path,
                 std::string_view root) {
  if (index >= size) return false;
  std::uint64_t last = size - 1;
  for (const std::string& sibling : path) {
    if (last == 0 || sibling.size() != hash_bytes) return false;
    if ((index & 1) != 0 || index == last) {
      hash = node_of(sibling, hash);
      while ((index & 1) == 0 && index != 0) {
        index >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_of(hash, sibling);
    }
    index >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool opens(std::string_view commitment, char label, const std::string& salt,
           std::string_view value) {
  // What was not told is not false. A salt of another length would take bytes from the value, or give it some.
  return salt.empty() || (salt.size() == hash_bytes &&
                          sha256({std::string_view(&label, 1), salt, value}) == commitment);
}

bool is_opening(const v1::AuditRecord& record, const v1::AuditOpening& opening) {
  std::string actor, subject;
  add_u64(actor, opening.actor());
  add_u64(subject, opening.subject());
  // Nothing may be claimed without its salt.
  if (opening.actor_salt().empty() && opening.actor() != 0) return false;
  if (opening.subject_salt().empty() && opening.subject() != 0) return false;
  if (opening.details_salt().empty() && !opening.details().empty()) return false;
  return opens(record.actor(), actor_label, opening.actor_salt(), actor) &&
         opens(record.subject(), subject_label, opening.subject_salt(), subject) &&
         opens(record.details(), details_label, opening.details_salt(), opening.details());
}

bool same_stream(const v1::StreamId& one, const v1::StreamId& other) {
  return one.kind() == other.kind() && one.id() == other.id();
}

}  // namespace

std::string_view word_for(AuditFault fault) {
  switch (fault) {
    case AuditFault::BadSignature: return "bad signature";
    case AuditFault::UnknownKey: return "unknown key";
    case AuditFault::Fork: return "fork";
    case AuditFault::Truncated: return "truncated";
    case AuditFault::Rewritten: return "rewritten";
    case AuditFault::Restored: return "restored";
    case AuditFault::Withheld: return "withheld";
    case AuditFault::BadRecord: return "bad record";
    case AuditFault::BadOpening: return "bad opening";
  }
  return "unknown";
}

bool is_signed(const v1::AuditHead& head) {
  if (!fits(head.stream()) || head.size() == 0 || head.root().size() != hash_bytes ||
      head.entry_hash().size() != hash_bytes) {
    return false;
  }
  std::string bytes = "amicale audit head";
  bytes.push_back(format_of_hashes);
  add_stream(bytes, head.stream());
  add_u64(bytes, head.epoch());
  add_u64(bytes, head.size());
  bytes += head.root();
  add_u64(bytes, head.seq());
  bytes += head.entry_hash();
  add_u64(bytes, static_cast<std::uint64_t>(head.time_ms()));
  return verify(head.public_key(), bytes, head.signature());
}

bool same_head(const v1::AuditHead& one, const v1::AuditHead& other) {
  return same_stream(one.stream(), other.stream()) && one.epoch() == other.epoch() &&
         one.size() == other.size() && one.root() == other.root() && one.seq() == other.seq() &&
         one.entry_hash() == other.entry_hash() && one.time_ms() == other.time_ms();
}

// RFC 9162, 2.1.4.2.
bool is_consistent(const v1::AuditHead& older, const v1::AuditHead& newer,
                   std::span<const std::string> path) {
  const std::uint64_t first = older.size();
  const std::uint64_t second = newer.size();
  if (first == 0 || first > second || !same_stream(older.stream(), newer.stream())) return false;
  if (first == second) {
    return path.empty() && older.root() == newer.root() && older.seq() == newer.seq() &&
           older.entry_hash() == newer.entry_hash() && older.time_ms() == newer.time_ms();
  }
  if (older.seq() >= newer.seq() || older.time_ms() > newer.time_ms()) return false;
  const bool well_sized =
      std::ranges::all_of(path, [](const std::string& hash) { return hash.size() == hash_bytes; });
  if (!well_sized) return false;
  std::size_t next = 0;
  std::string old_root;
  if ((first & (first - 1)) == 0) {
    old_root = older.root();  // a full tree is its own first part
  } else if (!path.empty()) {
    old_root = path[next++];
  } else {
    return false;
  }
  std::string new_root = old_root;
  std::uint64_t index = first - 1;
  std::uint64_t last = second - 1;
  while ((index & 1) != 0) {
    index >>= 1;
    last >>= 1;
  }
  for (; next < path.size(); ++next) {
    if (last == 0) return false;
    if ((index & 1) != 0 || index == last) {
      old_root = node_of(path[next], old_root);
      new_root = node_of(path[next], new_root);
      while ((index & 1) == 0 && index != 0) {
        index >>= 1;
        last >>= 1;
      }
    } else {
      new_root = node_of(new_root, path[next]);
    }
    index >>= 1;
    last >>= 1;
  }
  return last == 0 && old_root == older.root() && new_root == newer.root();
}

bool is_handed_over(std::span<const v1::AuditKey> keys, std::string_view trusted,
                    std::string_view wanted) {
  auto at = std::ranges::find_if(
      keys, [&](const v1::AuditKey& key) { return key.public_key() == trusted; });
  if (at == keys.end()) return false;
  for (; at->public_key() != wanted; ++at) {
    const auto next = at + 1;
    if (next == keys.end() || !is_handover(*at, *next)) return false;
  }
  return true;
}

std::optional<AuditFault> check_record(const v1::AuditHead& head, const v1::ProvenRecord& proven) {
  const auto& record = proven.record();
  if (!well_formed(record) || !same_stream(record.stream(), head.stream()) ||
      record.seq() > head.seq() ||
      !is_included(record.number() - 1, head.size(), leaf_of(record), proven.path(), head.root())) {
    return AuditFault::BadRecord;
  }
  if (!is_opening(record, proven.opening())) return AuditFault::BadOpening;
  return std::nullopt;
}

std::optional<AuditFault> check_proof(const v1::GetAuditProofReply& reply) {
  if (!reply.has_head()) {
    return reply.records().empty() ? std::nullopt : std::optional(AuditFault::BadSignature);
  }
  if (!is_signed(reply.head())) return AuditFault::BadSignature;
  for (const auto& proven : reply.records()) {
    if (const auto fault = check_record(reply.head(), proven)) return fault;
  }
  return std::nullopt;
}

// --- AuditFile -----------------------------------------------------------------------------------

AuditFile::AuditFile(std::string trusted, std::optional<v1::AuditHead> pinned)
    : trusted_(std::move(trusted)), pinned_(std::move(pinned)) {
  if (trusted_.empty() && pinned_) trusted_ = pinned_->public_key();
}

std::optional<AuditFault> AuditFile::take(const v1::AuditLine& line) {
  switch (line.line_case()) {
    case v1::AuditLine::kKey: return take_key(line.key());
    case v1::AuditLine::kHead: return take_head(line.head());
    case v1::AuditLine::kRecord: return take_record(line.record());
    default: return AuditFault::BadRecord;
  }
}

std::optional<AuditFault> AuditFile::take_key(const v1::AuditKey& key) {
  if (head_.size() != 0) return AuditFault::UnknownKey;
  // Only the first signs itself.
  const bool again = !keys_.empty() && keys_.back().public_key() == key.public_key();
  if (again || !is_handover(keys_.empty() ? key : keys_.back(), key)) {
    return AuditFault::UnknownKey;
  }
  keys_.push_back(key);
  return std::nullopt;
}

std::optional<AuditFault> AuditFile::take_head(const v1::AuditHead& head) {
  if (keys_.empty()) return AuditFault::UnknownKey;
  if (head_.size() != 0 || !is_signed(head)) return AuditFault::BadSignature;
  const auto& first = trusted_.empty() ? keys_.front().public_key() : trusted_;
  // The last key signs: an older one would leave out what came since.
  if (head.public_key() != keys_.back().public_key() ||
      !is_handed_over(keys_, first, head.public_key())) {
    return AuditFault::UnknownKey;
  }
  if (pinned_ && !same_stream(pinned_->stream(), head.stream())) return AuditFault::BadRecord;
  head_ = head;
  return std::nullopt;
}

std::optional<AuditFault> AuditFile::take_record(const v1::ProvenRecord& proven) {
  if (head_.size() == 0) return AuditFault::BadSignature;
  const auto& record = proven.record();
  if (records_ == 0) whole_ = proven.path().empty();
  if (!whole_) {
    if (record.number() <= last_.number()) return AuditFault::BadRecord;
    if (const auto fault = check_record(head_, proven)) return fault;
    ++records_;
    last_ = record;
    return std::nullopt;
  }
  const std::string before = records_ == 0 ? std::string(hash_bytes, '\0') : last_leaf_;
  if (!proven.path().empty() || !well_formed(record) ||
      !same_stream(record.stream(), head_.stream()) || record.number() != records_ + 1 ||
      record.previous() != before || record.seq() <= last_.seq() ||
      record.time_ms() < last_.time_ms() || record.number() > head_.size()) {
    return AuditFault::BadRecord;
  }
  if (!is_opening(record, proven.opening())) return AuditFault::BadOpening;
  last_ = record;
  last_leaf_ = leaf_of(record);
  ++records_;
  peaks_.push_back({1, last_leaf_});
  while (peaks_.size() > 1 && peaks_[peaks_.size() - 2].size == peaks_.back().size) {
    const Peak right = std::move(peaks_.back());
    peaks_.pop_back();
    peaks_.back() = {right.size * 2, node_of(peaks_.back().root, right.root)};
  }
  if (pinned_ && records_ == pinned_->size()) pinned_root_ = root();
  return std::nullopt;
}

std::string AuditFile::root() const {
  std::string hash;
  for (auto peak = peaks_.rbegin(); peak != peaks_.rend(); ++peak) {
    hash = hash.empty() ? peak->root : node_of(peak->root, hash);
  }
  return hash;
}

std::optional<AuditFault> AuditFile::finish() const {
  if (head_.size() == 0 || records_ == 0) return AuditFault::Truncated;
  if (!whole_) return std::nullopt;
  if (records_ < head_.size()) return AuditFault::Truncated;
  if (root() != head_.root() || last_.seq() != head_.seq() ||
      last_.entry_hash() != head_.entry_hash() || last_.time_ms() != head_.time_ms()) {
    return AuditFault::Rewritten;
  }
  if (!pinned_) return std::nullopt;
  if (pinned_->size() > records_) {
    return pinned_->epoch() == head_.epoch() ? AuditFault::Truncated : AuditFault::Restored;
  }
  if (pinned_root_ != pinned_->root()) {
    return pinned_->epoch() == head_.epoch() ? AuditFault::Rewritten : AuditFault::Restored;
  }
  return std::nullopt;
}

}  // namespace amicale::client
