// SPDX-License-Identifier: Apache-2.0
//
// Which log is read, and how far: the two values that a client needs to keep to resume exactly
// where it was.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "amicale/v1/common.pb.h"

namespace amicale::client {

// Names one stream: the client's view of one log. A value with an order and a hash, unlike
// v1::StreamId.
struct Stream {
  v1::StreamKind kind = v1::STREAM_KIND_UNSPECIFIED;
  std::uint64_t id = 0;

  static Stream site() { return {v1::STREAM_KIND_SITE, 1}; }
  static Stream club(std::uint64_t club_id) { return {v1::STREAM_KIND_CLUB, club_id}; }
  static Stream account(std::uint64_t account_id) { return {v1::STREAM_KIND_ACCOUNT, account_id}; }
  static Stream direct(std::uint64_t direct_id) { return {v1::STREAM_KIND_DIRECT, direct_id}; }
  // The one conversation of two accounts, in either order: (lower << 32) | higher.
  static Stream between(std::uint64_t one, std::uint64_t other) {
    return direct((std::min(one, other) << 32) | std::max(one, other));
  }
  static Stream from(const v1::StreamId& id) { return {id.kind(), id.id()}; }

  v1::StreamId proto() const {
    v1::StreamId out;
    out.set_kind(kind);
    out.set_id(id);
    return out;
  }

  // "club/7", for logs and for the names of stored cursors.
  std::string text() const;

  friend auto operator<=>(const Stream&, const Stream&) = default;
};

// A cursor: everything up to and including `seq` is held, in the history that `epoch` names.
// The epoch changes only when the server's logs were restored from an older copy.
struct Position {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
};

}  // namespace amicale::client

template <>
struct std::hash<amicale::client::Stream> {
  std::size_t operator()(const amicale::client::Stream& stream) const noexcept {
    return std::hash<std::uint64_t>{}(stream.id * 8 + static_cast<std::uint64_t>(stream.kind));
  }
};
