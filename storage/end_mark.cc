// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/end_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "storage/big_endian.h"
#include "storage/error.h"
#include "storage/files.h"

namespace amicale::storage {

namespace {

constexpr std::string_view kMagic = "AMICEND1";
constexpr size_t kSlotDistance = 4096;
constexpr size_t kFileBytes = 2 * kSlotDistance;
constexpr size_t kCheckedBytes = 8 + 8 + 8 + 32;
constexpr size_t kSlotBytes = kCheckedBytes + 32;

std::string encode(const EndMarkValue& value) {
  std::string slot(kMagic);
  append_be(slot, value.epoch);
  append_be(slot, value.commit);
  slot.append(bytes_of(value.hash));
  slot.append(bytes_of(Sha256::of_thread().add(slot).finish()));
  return slot;
}

std::optional<EndMarkValue> decode(std::string_view slot) {
  const auto check = Sha256::of_thread().add(slot.substr(0, kCheckedBytes)).finish();
  if (slot.substr(kCheckedBytes) != bytes_of(check)) return std::nullopt;
  ByteReader reader(slot);
  if (reader.take_bytes(kMagic.size()) != kMagic) return std::nullopt;
  EndMarkValue value;
  value.epoch = reader.take<uint64_t>();
  value.commit = reader.take<uint64_t>();
  reader.take_bytes(value.hash.size()).copy(value.hash.data(), value.hash.size());
  return value;
}

}  // namespace

void EndMark::create(const std::filesystem::path& file, const EndMarkValue& value) {
  std::string content = encode(value);
  content.resize(kSlotDistance, '\0');
  content += encode(value);
  content.resize(kFileBytes, '\0');
  auto fresh = file;
  fresh += ".new";
  write_file(fresh, content);
  std::filesystem::rename(fresh, file);
  sync_folder(file.parent_path());
}

std::optional<EndMarkValue> EndMark::read(const std::filesystem::path& file) {
  const auto content = read_file(file);
  if (!content || content->size() != kFileBytes) return std::nullopt;
  std::optional<EndMarkValue> newest;
  for (const size_t at : {size_t{0}, kSlotDistance}) {
    const auto value = decode(std::string_view(*content).substr(at, kSlotBytes));
    if (value && (!newest || value->commit > newest->commit)) newest = value;
  }
  return newest;
}

EndMark::EndMark(const std::filesystem::path& file)
    : file_(file), descriptor_(::open(file.c_str(), O_RDWR | O_CLOEXEC)) {
  if (descriptor_ < 0) throw Error("can't open " + file_.string() + ": " + error_text(errno));
}

EndMark::~EndMark() { ::close(descriptor_); }

void EndMark::update(const EndMarkValue& value) {
  const auto slot = encode(value);
  const auto at = static_cast<off_t>((value.commit % 2) * kSlotDistance);
  ssize_t written = 0;
  do {
    written = ::pwrite(descriptor_, slot.data(), slot.size(), at);
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(slot.size())) {
    throw Error("can't write " + file_.string() + ": " + error_text(errno));
  }
}

void EndMark::sync() {
  if (::fdatasync(descriptor_) != 0) {
    throw Error("can't sync " + file_.string() + ": " + error_text(errno));
  }
}

}  // namespace amicale::storage
