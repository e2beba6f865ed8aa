// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/reference/disk.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "bench/load/histogram.h"
#include "storage/keys.h"

namespace amicale::reference {
namespace {

int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Does `work` for some seconds; how often per second, how long each takes, what each costs.
template <class Work>
std::string measure(const char* name, double seconds, Work work) {
  load::Histogram times;
  const int64_t start = clock_ns(CLOCK_MONOTONIC);
  const int64_t start_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  const int64_t end = start + static_cast<int64_t>(seconds * 1e9);
  int64_t now = start;
  while (now < end) {
    work();
    const int64_t after = clock_ns(CLOCK_MONOTONIC);
    times.add(after - now);
    now = after;
  }
  const auto count = static_cast<double>(times.count());
  const double cpu_us = static_cast<double>(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start_cpu) / 1e3;
  char line[400];
  std::snprintf(line, sizeof line,
                "{\"reference\": \"%s\", \"count\": %.0f, \"per_s\": %.1f, \"p50_us\": %.2f, "
                "\"p99_us\": %.2f, \"cpu_us_each\": %.2f}",
                name, count, count / (static_cast<double>(now - start) / 1e9),
                times.quantile_us(0.5), times.quantile_us(0.99), cpu_us / count);
  return line;
}

}  // namespace

std::string append_and_sync(const std::filesystem::path& folder, size_t bytes, double seconds) {
  std::filesystem::create_directories(folder);
  const auto path = folder / "appended";
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) throw std::runtime_error(std::string("open: ") + std::strerror(errno));
  const std::string row(bytes, 'x');
  auto line = measure("fdatasync", seconds, [&] {
    if (::write(file, row.data(), row.size()) != static_cast<ssize_t>(row.size()) ||
        ::fdatasync(file) != 0)
      throw std::runtime_error(std::string("write: ") + std::strerror(errno));
  });
  ::close(file);
  std::filesystem::remove(path);
  return line;
}

std::string scan_newest(const std::filesystem::path& folder, uint64_t club, uint64_t room,
                        uint32_t count, double seconds) {
  const std::string path = folder / "rows";
  std::vector<std::string> names;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(64 << 20);
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  auto status = rocksdb::DB::ListColumnFamilies(options, path, &names);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) families.emplace_back(name, options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &opened);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  const std::unique_ptr<rocksdb::DB> database(opened);
  rocksdb::ColumnFamilyHandle* messages = nullptr;
  for (auto* handle : handles) {
    if (handle->GetName() == storage::name_of(storage::Family::messages)) messages = handle;
  }
  if (!messages) throw std::runtime_error("the folder has no messages");

  const auto partition = storage::PartitionId::club(club);
  const std::string from = storage::key::message(partition, room, 0);
  const std::string to =
      storage::key::message(partition, room, std::numeric_limits<uint64_t>::max());
  std::string out;
  auto line = measure("scan", seconds, [&] {
    const std::unique_ptr<rocksdb::Iterator> rows(
        database->NewIterator(rocksdb::ReadOptions(), messages));
    out.clear();
    uint32_t seen = 0;
    for (rows->SeekForPrev(to); seen < count && rows->Valid() && rows->key().compare(from) > 0;
         rows->Prev(), ++seen)
      out.append(rows->value().data(), rows->value().size());
    if (seen != count) throw std::runtime_error("the room holds fewer rows than are asked for");
  });
  for (auto* handle : handles) database->DestroyColumnFamilyHandle(handle);
  return line;
}

}  // namespace amicale::reference
