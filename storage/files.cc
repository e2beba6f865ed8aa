// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/files.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "storage/error.h"

namespace amicale::storage {

namespace fs = std::filesystem;

namespace {

class Descriptor {
 public:
  Descriptor(const fs::path& file, int flags, mode_t mode = 0)
      : file_(file), number_(::open(file.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool good() const { return number_ >= 0; }
  int number() const { return number_; }

  void check(bool done, const char* what) const {
    if (!done)
      throw Error("can't " + std::string(what) + " " + file_.string() + ": " + error_text(errno));
  }

  void write_all(const char* at, size_t size) const {
    while (size > 0) {
      const auto written = ::write(number_, at, size);
      if (written < 0 && errno == EINTR) continue;
      check(written > 0, "write");
      at += written;
      size -= static_cast<size_t>(written);
    }
  }

 private:
  fs::path file_;
  int number_;
};

}  // namespace

void write_file(const fs::path& file, std::string_view content) {
  const Descriptor out(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  out.check(out.good(), "create");
  out.write_all(content.data(), content.size());
  out.check(::fsync(out.number()) == 0, "sync");
}

std::optional<std::string> read_file(const fs::path& file) {
  const Descriptor in(file, O_RDONLY);
  if (!in.good()) return std::nullopt;
  std::string content;
  char buffer[8192];
  while (true) {
    const auto got = ::read(in.number(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
  }
}

void sync_folder(const fs::path& folder) {
  const Descriptor in(folder.empty() ? fs::path(".") : folder, O_RDONLY | O_DIRECTORY);
  in.check(in.good(), "open");
  in.check(::fsync(in.number()) == 0, "sync");
}

void copy_file_synced(const fs::path& from, const fs::path& to,
                      const std::function<void(uint64_t)>& progress) {
  const Descriptor in(from, O_RDONLY);
  in.check(in.good(), "open");
  const Descriptor out(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
  out.check(out.good(), "create");
  std::vector<char> buffer(1 << 20);
  while (true) {
    const auto got = ::read(in.number(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    in.check(got >= 0, "read");
    if (got == 0) break;
    out.write_all(buffer.data(), static_cast<size_t>(got));
    if (progress) progress(static_cast<uint64_t>(got));
  }
  out.check(::fsync(out.number()) == 0, "sync");
}

bool reserve_file(const fs::path& file, uint64_t bytes) {
  bool reserved = false;
  {
    const Descriptor out(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    reserved = out.good() && ::posix_fallocate(out.number(), 0, static_cast<off_t>(bytes)) == 0;
  }
  if (!reserved) ::unlink(file.c_str());
  return reserved;
}

std::optional<uint64_t> find_free_bytes_at(const fs::path& folder) {
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
  return uint64_t{disk.f_bavail} * disk.f_frsize;
}

uint64_t free_bytes_at(const fs::path& folder) {
  const auto free = find_free_bytes_at(folder);
  if (!free) {
    throw Error("can't ask how full the disk of " + folder.string() + " is: " + error_text(errno));
  }
  return *free;
}

bool has_inodes_at(const fs::path& folder) {
  constexpr uint64_t flush = 32;  // six families' files, what a compaction adds, a log, a manifest
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return true;
  return disk.f_files == 0 || disk.f_favail >= flush;  // 0: this file system does not count them
}

uint64_t bytes_in(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; it != end && !error;
       it.increment(error)) {
    std::error_code gone;  // files may vanish under a live database
    if (!it->is_regular_file(gone)) continue;
    const auto size = it->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

std::string error_text(int error) {
  return std::error_code(error, std::generic_category()).message();
}

}  // namespace amicale::storage
