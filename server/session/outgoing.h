// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/buffer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "server/hub/ring.h"

namespace amicale::session {

// One WebSocket message being put together and written: bytes of the session's own (replies, batch headers) between runs of
// shared event bytes. Reused from write to write, so that a quiet session keeps none.
class Outgoing {
 public:
  // Adds bytes of the session's own.
  void add(std::string_view bytes) {
    if (pieces_.empty() || pieces_.back().shared) pieces_.push_back({nullptr, own_.size(), 0});
    own_.append(bytes);
    pieces_.back().size += bytes.size();
    size_ += bytes.size();
  }
  // Adds shared bytes; a run that continues the last one becomes part of it.
  void add(const char* data, std::size_t size, const std::shared_ptr<const hub::Ring::Slab>& slab) {
    size_ += size;
    if (!pieces_.empty()) {
      Piece& last = pieces_.back();
      if (last.shared && last.shared + last.size == data) {
        last.size += size;
        return;
      }
    }
    pieces_.push_back({data, 0, size});
    if (slab && (pins_.empty() || pins_.back() != slab)) pins_.push_back(slab);
  }
  // Keeps something alive until the write has ended.
  void keep(std::shared_ptr<const void> what) { kept_.push_back(std::move(what)); }

  // The whole behind `header`, for one gathering write. Valid until the next change, and as long as `header` stays.
  std::vector<boost::asio::const_buffer>& buffers(std::string_view header = {}) {
    buffers_.clear();
    if (!header.empty()) buffers_.emplace_back(header.data(), header.size());
    for (const Piece& piece : pieces_) {
      buffers_.emplace_back(piece.shared ? piece.shared : own_.data() + piece.offset, piece.size);
    }
    return buffers_;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t events = 0;  // deliveries in it

  void clear() {
    own_.clear();
    pieces_.clear();
    pins_.clear();
    kept_.clear();
    buffers_.clear();
    size_ = 0;
    events = 0;
  }

 private:
  struct Piece {
    const char* shared;  // nullptr: own_ from `offset`
    std::size_t offset;
    std::size_t size;
  };
  std::string own_;
  std::vector<Piece> pieces_;
  std::vector<std::shared_ptr<const hub::Ring::Slab>> pins_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::vector<boost::asio::const_buffer> buffers_;
  std::size_t size_ = 0;
};

}  // namespace amicale::session
