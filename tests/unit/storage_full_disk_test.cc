// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A disk that fills up, for real: a small tmpfs, which only root may mount. Without it these tests say
// so and pass.
#include <sys/mount.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "storage/database.h"
#include "storage/verify.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

namespace fs = std::filesystem;
using storage_test::commit;
using storage_test::options_in;
using storage_test::post;
using storage_test::tell_everything;
using storage_test::TempFolder;

namespace {

const auto club = PartitionId::club(1);

class SmallDisk {
 public:
  explicit SmallDisk(const char* size) {
    const std::string options = "size=" + std::string(size);
    mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!mounted_) MESSAGE("no right to mount a small disk: nothing was tested");
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  fs::path data() const { return folder_ / "data"; }

  // Takes what is left, except `spare` bytes.
  void fill(uint64_t spare) {
    std::ofstream out(folder_ / "filler", std::ios::binary | std::ios::app);
    const std::string block(4096, 'x');
    while (fs::space(folder_.path()).available > spare && out.write(block.data(), 4096).flush()) {
    }
  }
  void clear() { fs::remove(folder_ / "filler"); }

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

// No file of this process grows beyond `bytes` while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

// Flushes after every few posts, so that the disk fills up at every stage of one.
DatabaseOptions small_buffers(const fs::path& folder) {
  auto options = options_in(folder);
  options.write_buffer_bytes = 64 << 10;
  return options;
}

// Posts until a write fails; the number of the last message that was acknowledged.
uint64_t post_until_full(Database& database, uint64_t from) {
  const std::string body(2000, 'b');
  for (uint64_t number = from;; ++number) {
    try {
      commit(database, club,
             {{"actor: 7 message_posted { room_id: 1 number: " + std::to_string(number) +
               " body: '" + body + "' }"}});
    } catch (const WriteFailed& e) {
      CHECK(e.no_space());
      return number - 1;
    }
    if (number == from + 1000000) return 0;
  }
}

// Lets the database notice that there is room. RocksDB's own recovery may hold it up for a while.
bool recovers(Database& database) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!database.has_space()) {
    database.settle();
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE(
    "on a full disk writes are refused, reads go on, and it comes back alone with nothing lost") {
  SmallDisk disk("40m");
  if (!disk.mounted()) return;
  uint64_t acknowledged = 2;
  {
    Database database(small_buffers(disk.data()));
    tell_everything(database);
    for (int round = 0; round < 6; ++round) {
      disk.fill(static_cast<uint64_t>(64 + 50 * round) << 10);
      acknowledged = post_until_full(database, acknowledged + 1);
      REQUIRE(acknowledged > 0);
      CHECK_FALSE(database.has_space());
      CHECK(database.writable());
      CHECK_FALSE(fs::exists(disk.data() / "ballast"));
      CHECK(View(database).message(club, 1, acknowledged)->number() == acknowledged);
      CHECK_FALSE(View(database).message(club, 1, acknowledged + 1));
      {
        // Killed at this instant, the write-ahead file may end in a torn or whole copy of the write
        // that failed. Elsewhere, with room, that must open and hold all that was acknowledged.
        const TempFolder elsewhere;
        fs::copy(disk.data(), elsewhere.path(), fs::copy_options::recursive);
        Database killed(options_in(elsewhere.path()));
        CHECK(View(killed).room(1, 1)->head_number() >= acknowledged);
        CHECK(verify(killed).good());
      }
      // Still closed while there is no room.
      disk.fill(0);
      CHECK_THROWS_AS(post(database, acknowledged + 1, 1), WriteFailed);
      disk.clear();
      REQUIRE(recovers(database));
      post(database, acknowledged + 1, 1);
      acknowledged += 1;
    }
    database.settle();
    CHECK(fs::exists(disk.data() / "ballast"));
    CHECK(verify(database).good());
  }
  Database again(options_in(disk.data()));
  CHECK(View(again).room(1, 1)->head_number() == acknowledged);
  CHECK(verify(again).good());
}

TEST_CASE("a start on a full disk works: the ballast makes the room that opening needs") {
  SmallDisk disk("48m");
  if (!disk.mounted()) return;
  {
    Database database(small_buffers(disk.data()));
    tell_everything(database);
    post(database, 3, 100);
  }
  disk.fill(0);
  {
    Database again(options_in(disk.data()));
    CHECK_FALSE(fs::exists(disk.data() / "ballast"));
    CHECK(View(again).room(1, 1)->head_number() == 102);
    disk.fill(0);
    CHECK_FALSE(again.has_space());
  }
  disk.clear();
  Database later(options_in(disk.data()));
  REQUIRE(recovers(later));
  CHECK(fs::exists(disk.data() / "ballast"));
  post(later, 103, 1);
  CHECK(verify(later).good());
}

TEST_CASE("a disk out of inodes is a full disk: no flush is begun that can't end") {
  SmallDisk disk("40m,nr_inodes=80");
  if (!disk.mounted()) return;
  uint64_t acknowledged = 2;
  {
    Database database(small_buffers(disk.data()));
    tell_everything(database);
    int made = 0;
    while (std::ofstream(disk.data().parent_path() / ("many" + std::to_string(made)))) ++made;
    acknowledged = post_until_full(database, acknowledged + 1);
    CHECK(database.writable());
    CHECK(View(database).message(club, 1, acknowledged)->number() == acknowledged);
    for (int i = 0; i < made; ++i)
      fs::remove(disk.data().parent_path() / ("many" + std::to_string(i)));
    REQUIRE(recovers(database));
    post(database, acknowledged + 1, 100);
    acknowledged += 100;
    CHECK(verify(database).good());
  }
  Database again(options_in(disk.data()));
  CHECK(View(again).room(1, 1)->head_number() == acknowledged);
}

TEST_CASE("a file that may not grow is a full disk: it comes back alone, and nothing is lost") {
  const TempFolder folder;
  uint64_t number = 3;
  {
    Database database(options_in(folder.path()));
    tell_everything(database);
    const FileSizeLimit limit(256 << 10);
    try {
      while (number < 100000) {
        post(database, number, 1);
        ++number;
      }
    } catch (const WriteFailed&) {
    }
    CHECK(number > 3);
    CHECK(number < 100000);
    CHECK(View(database).message(club, 1, number - 1));
    CHECK(database.writable());
    CHECK_FALSE(database.has_space());
    // The next write-ahead file begins small, even under the same limit.
    REQUIRE(recovers(database));
    post(database, number, 1);
    ++number;
  }
  Database again(options_in(folder.path()));
  CHECK(View(again).room(1, 1)->head_number() >= number - 1);
  CHECK(verify(again).good());
}

}  // namespace amicale::storage
