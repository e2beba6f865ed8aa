// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The few file operations that durability needs and the standard library lacks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace amicale::storage {

// All throw Error naming the file, unless said otherwise.

// Makes or replaces the file with this content and fsyncs it (not its folder).
void write_file(const std::filesystem::path& file, std::string_view content);
// The whole content; nothing when it can't be read.
std::optional<std::string> read_file(const std::filesystem::path& file);
// Makes names made, renamed or removed in the folder durable.
void sync_folder(const std::filesystem::path& folder);
// Copies one file byte for byte and fsyncs it. Never shares blocks by a hard link.
void copy_file_synced(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::function<void(uint64_t copied)>& progress);
// Makes a file of `bytes` that really holds its blocks. False, leaving nothing, when there is no room.
bool reserve_file(const std::filesystem::path& file, uint64_t bytes);
// Free bytes for an unprivileged process on the disk of `folder`. The first throws when the disk does not say.
uint64_t free_bytes_at(const std::filesystem::path& folder);
std::optional<uint64_t> find_free_bytes_at(const std::filesystem::path& folder);
// Whether new files can be made there: a disk can be out of inodes and have bytes left.
bool has_inodes_at(const std::filesystem::path& folder);
uint64_t bytes_in(const std::filesystem::path& folder);
// strerror, safe from any thread.
std::string error_text(int error);

}  // namespace amicale::storage
