// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The end mark as it could be found on a disk: read as nothing or as a value; what was read and written again reads the same; and one
// update of a damaged file leaves a mark that is valid. Input: one byte whose bits ask for right checks in the slots, since no chance
// finds one; then the file.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "storage/digest.h"
#include "storage/end_mark.h"
#include "storage/rocks.h"

namespace {
using namespace amicale::storage;
namespace fs = std::filesystem;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

struct Folder {
  fs::path path =
      (fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
      ("amicale-fuzz-end-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

// As storage/end_mark.h says.
constexpr std::string_view kMagic = "AMICEND1";
constexpr std::size_t kFile = 8192;
constexpr std::size_t kChecked = 8 + 8 + 8 + 32;

bool same(const EndMarkValue& a, const EndMarkValue& b) {
  return a.epoch == b.epoch && a.commit == b.commit && a.hash == b.hash;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  // The mark's other half, inside the database.
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto commit = decode_commit(bytes))
    check(encode_commit(commit->number, commit->hash) == bytes, "a commit's record comes back");
  if (size == 0) return 0;
  std::string content(reinterpret_cast<const char*>(data + 1), size - 1);
  for (std::size_t slot = 0; slot < 2; ++slot) {
    if ((data[0] >> slot & 1) == 0) continue;
    content.resize(std::max(content.size(), kFile), '\0');
    content.replace(slot * kFile / 2, kMagic.size(), kMagic);
    const auto checked = content.substr(slot * kFile / 2, kChecked);
    content.replace(slot * kFile / 2 + kChecked, sizeof(Digest),
                    bytes_of(Sha256::of_thread().add(checked).finish()));
  }
  const auto file = folder.path / "END";
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
  const auto found = EndMark::read(file);
  if (!found) return 0;
  EndMark::create(file, *found);
  const auto again = EndMark::read(file);
  check(again && same(*again, *found), "a mark that was read is written as it was");
  EndMarkValue next = *found;
  ++next.commit;
  EndMark(file).update(next);
  const auto updated = EndMark::read(file);
  // The newest wins; at the end of numbers there is none newer.
  check(updated && (same(*updated, next) || found->commit + 1 == 0),
        "an update is the newest mark");
  return 0;
}
