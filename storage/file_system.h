// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <rocksdb/env.h>

#include <memory>

namespace amicale::storage {

// The machine's file system, with one answer put right: a file that may not grow any more (EFBIG, by
// RLIMIT_FSIZE or the file system's own bound) is a want of space, which RocksDB recovers from, and not a
// broken disk, which it never does. Must outlive the databases that use it.
std::unique_ptr<rocksdb::Env> make_file_system();

}  // namespace amicale::storage
