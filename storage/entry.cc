// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/entry.h"

#include <google/protobuf/io/coded_stream.h>

#include <array>
#include <cassert>

#include "storage/big_endian.h"

namespace amicale::storage {

namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kRedacted = 1;
constexpr size_t kHashBytes = 32;
constexpr size_t kSaltBytes = 16;
constexpr std::string_view kNoSalt{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", kSaltBytes};
constexpr uint32_t kEventsTag = (5 << 3) | 2;  // v1.StreamBatch.events, length-delimited

Digest salted(std::string_view salt, std::string_view bytes) {
  return Sha256::of_thread().add(salt).add(bytes).finish();
}

}  // namespace

void encode_entry(const EntryView& entry, std::string& out) {
  assert(entry.prev_hash.size() == kHashBytes && entry.salt.size() == kSaltBytes);
  out.reserve(out.size() + 128 + entry.public_bytes.size() + entry.private_bytes.size());
  out.push_back(kVersion);
  out.push_back(entry.redacted ? kRedacted : 0);
  append_be(out, entry.audience.roles);
  append_be(out, entry.audience.account);
  out.append(entry.prev_hash);
  out.append(entry.salt);
  if (entry.redacted) {
    assert(entry.public_digest.size() == kHashBytes && entry.private_digest.size() == kHashBytes);
    out.append(entry.public_digest);
    out.append(entry.private_digest);
  }
  append_be(out, static_cast<uint32_t>(entry.public_bytes.size()));
  out.append(entry.public_bytes);
  out.append(entry.private_bytes);
}

std::optional<EntryView> decode_entry(std::string_view value) {
  ByteReader reader(value);
  EntryView entry;
  const auto version = reader.take<uint8_t>();
  const auto flags = reader.take<uint8_t>();
  entry.redacted = (flags & kRedacted) != 0;
  entry.audience.roles = reader.take<uint16_t>();
  entry.audience.account = reader.take<uint64_t>();
  entry.prev_hash = reader.take_bytes(kHashBytes);
  entry.salt = reader.take_bytes(kSaltBytes);
  if (entry.redacted) {
    entry.public_digest = reader.take_bytes(kHashBytes);
    entry.private_digest = reader.take_bytes(kHashBytes);
  }
  const auto public_size = reader.take<uint32_t>();
  entry.public_bytes = reader.take_bytes(public_size);
  entry.private_bytes = reader.rest();
  if (!reader.ok() || version != kVersion || (flags & ~kRedacted) != 0) return std::nullopt;
  return entry;
}

Digest hash_entry(PartitionId partition, uint64_t seq, const EntryView& entry) {
  Digest public_digest;
  Digest private_digest;
  if (!entry.redacted) {
    public_digest = salted(entry.salt, entry.public_bytes);
    private_digest = salted(entry.salt, entry.private_bytes);
  }
  std::string fixed;
  fixed.reserve(9 + 8 + 10);
  fixed.push_back(static_cast<char>(partition.kind));
  append_be(fixed, partition.id);
  append_be(fixed, seq);
  append_be(fixed, entry.audience.roles);
  append_be(fixed, entry.audience.account);
  return Sha256::of_thread()
      .add(entry.prev_hash)
      .add(fixed)
      .add(entry.redacted ? entry.public_digest : bytes_of(public_digest))
      .add(entry.redacted ? entry.private_digest : bytes_of(private_digest))
      .finish();
}

std::string redact_entry(const EntryView& entry, std::string_view public_bytes,
                         std::string_view private_bytes) {
  EntryView kept = entry;
  Digest public_digest;
  Digest private_digest;
  if (!entry.redacted) {
    public_digest = salted(entry.salt, entry.public_bytes);
    private_digest = salted(entry.salt, entry.private_bytes);
    kept.public_digest = bytes_of(public_digest);
    kept.private_digest = bytes_of(private_digest);
  }
  kept.redacted = true;
  kept.salt = kNoSalt;
  kept.public_bytes = public_bytes;
  kept.private_bytes = private_bytes;
  std::string out;
  encode_entry(kept, out);
  return out;
}

void frame_event(const v1::Event& event, std::string& out) {
  using google::protobuf::io::CodedOutputStream;
  const auto size = static_cast<uint32_t>(event.ByteSizeLong());
  const size_t start = out.size();
  out.resize(start + 1 + CodedOutputStream::VarintSize32(size) + size);
  auto* at = reinterpret_cast<uint8_t*>(out.data() + start);
  at = CodedOutputStream::WriteTagToArray(kEventsTag, at);
  at = CodedOutputStream::WriteVarint32ToArray(size, at);
  event.SerializeWithCachedSizesToArray(at);
}

std::optional<std::string_view> unframe_event(std::string_view framed) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(framed.data()),
                                            static_cast<int>(framed.size()));
  uint32_t size = 0;
  if (in.ReadTag() != kEventsTag || !in.ReadVarint32(&size)) return std::nullopt;
  const auto start = static_cast<size_t>(in.CurrentPosition());
  if (framed.size() - start != size) return std::nullopt;
  return framed.substr(start);
}

}  // namespace amicale::storage
