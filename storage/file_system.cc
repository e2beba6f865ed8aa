// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/file_system.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <cerrno>

#include "storage/files.h"

namespace amicale::storage {

namespace {

constexpr size_t kReserved = 2 << 20;  // few enough extents, and little on a small disk

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// RocksDB keeps the errno of a failed call only as words. A file that may not grow, or may not be opened because there are
// too many, is like a full disk: it passes, and the store recovers. As any other error it would end in a store that takes no
// writes until it is opened again.
IOStatus with_bound_as_space(IOStatus status) {
  if (!status.IsIOError()) return status;
  const std::string said = status.ToString();
  for (const int bound : {EFBIG, EMFILE, ENFILE}) {
    if (said.find(error_text(bound)) != std::string::npos) return IOStatus::NoSpace(said);
  }
  return status;
}

class BoundedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  explicit BoundedFile(std::unique_ptr<FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)) {}

  // RocksDB reserves room for a whole write buffer or table at once, be the file ever so small: on a disk
  // with less room than that, nothing could be flushed.
  void SetPreallocationBlockSize(size_t bytes) override {
    FSWritableFileOwnerWrapper::SetPreallocationBlockSize(std::min(bytes, kReserved));
  }

  using FSWritableFileOwnerWrapper::Append;
  using FSWritableFileOwnerWrapper::PositionedAppend;
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    return with_bound_as_space(FSWritableFileOwnerWrapper::Append(data, options, context));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& check, IODebugContext* context) override {
    return with_bound_as_space(FSWritableFileOwnerWrapper::Append(data, options, check, context));
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t at, const IOOptions& options,
                            IODebugContext* context) override {
    return with_bound_as_space(
        FSWritableFileOwnerWrapper::PositionedAppend(data, at, options, context));
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t at, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& check,
                            IODebugContext* context) override {
    return with_bound_as_space(
        FSWritableFileOwnerWrapper::PositionedAppend(data, at, options, check, context));
  }
};

class FileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "amicale"; }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* made,
                           IODebugContext* context) override {
    return wrap(FileSystemWrapper::NewWritableFile(name, options, made, context), made);
  }
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* made,
                              IODebugContext* context) override {
    return wrap(FileSystemWrapper::ReopenWritableFile(name, options, made, context), made);
  }
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* made,
                               IODebugContext* context) override {
    return with_bound_as_space(
        FileSystemWrapper::NewRandomAccessFile(name, options, made, context));
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* made,
                        IODebugContext* context) override {
    return with_bound_as_space(FileSystemWrapper::NewDirectory(name, options, made, context));
  }
  IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                             const FileOptions& options, std::unique_ptr<FSWritableFile>* made,
                             IODebugContext* context) override {
    return wrap(FileSystemWrapper::ReuseWritableFile(name, old_name, options, made, context), made);
  }

 private:
  static IOStatus wrap(IOStatus status, std::unique_ptr<FSWritableFile>* made) {
    if (status.ok()) *made = std::make_unique<BoundedFile>(std::move(*made));
    return with_bound_as_space(std::move(status));
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> make_file_system() {
  auto env = rocksdb::NewCompositeEnv(std::make_shared<FileSystem>(rocksdb::FileSystem::Default()));
  // Compaction can wait for whoever posts: on two cores it would otherwise be felt as a slow second.
  env->LowerThreadPoolCPUPriority(rocksdb::Env::LOW, rocksdb::CpuPriority::kLow);
  return env;
}

}  // namespace amicale::storage
