// SPDX-License-Identifier: AGPL-3.0-or-later
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/reference/epoll_server.h"
#include "bench/reference/handshake.h"

namespace amicale::reference {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Bytes = std::shared_ptr<const std::string>;

class BeastSession;

struct BeastRoom {
  std::vector<BeastSession*> members;
  std::shared_ptr<std::string> turn;  // frames since the last flush
};

// One thread. Rooms that were fed are flushed by one handler that was queued behind all input that was ready.
struct BeastSite {
  asio::io_context context{1};
  std::vector<std::unique_ptr<BeastRoom>> rooms;
  std::vector<BeastRoom*> fed;
  void feed(BeastRoom& room, std::string_view payload);
  void flush();
};

class BeastSession : public std::enable_shared_from_this<BeastSession> {
 public:
  BeastSession(asio::ip::tcp::socket socket, BeastSite& site)
      : stream_(std::move(socket)), site_(site) {}
  ~BeastSession() {
    if (room_) std::erase(room_->members, this);
  }

  void start() {
    beast::error_code ignored;
    stream_.next_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
    stream_.binary(true);
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }

  // Frames made once are written past Beast's framing: nothing else is written on this connection.
  void give(const Bytes& frames) {
    waiting_.push_back(frames);
    if (!writing_) write();
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, size_t) {
      if (error) return;
      self->take();
      self->buffer_.consume(self->buffer_.size());
      self->read();
    });
  }

  void take() {
    const auto data = buffer_.cdata();
    const std::string_view payload(static_cast<const char*>(data.data()), data.size());
    unsigned number = 0;
    if (!is_join(payload, number)) {
      if (room_) site_.feed(*room_, payload);
      return;
    }
    while (site_.rooms.size() <= number) site_.rooms.push_back(std::make_unique<BeastRoom>());
    room_ = site_.rooms[number].get();
    room_->members.push_back(this);
    auto answer = std::make_shared<std::string>();
    append_frame_head(*answer, 1);
    *answer += 'J';
    give(answer);
  }

  void write() {
    writing_ = true;
    under_way_.swap(waiting_);
    buffers_.clear();
    for (const Bytes& bytes : under_way_) buffers_.push_back(asio::buffer(*bytes));
    asio::async_write(stream_.next_layer(), buffers_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        self->under_way_.clear();
                        self->writing_ = false;
                        if (!error && !self->waiting_.empty()) self->write();
                      });
  }

  beast::websocket::stream<asio::ip::tcp::socket, false> stream_;
  BeastSite& site_;
  BeastRoom* room_ = nullptr;
  beast::flat_buffer buffer_;
  std::vector<Bytes> waiting_, under_way_;
  std::vector<asio::const_buffer> buffers_;
  bool writing_ = false;
};

void BeastSite::feed(BeastRoom& room, std::string_view payload) {
  if (!room.turn) {
    room.turn = std::make_shared<std::string>();
    if (fed.empty()) asio::post(context, [this] { flush(); });
    fed.push_back(&room);
  }
  append_frame_head(*room.turn, payload.size());
  room.turn->append(payload);
}

void BeastSite::flush() {
  for (BeastRoom* room : std::exchange(fed, {})) {
    const Bytes frames = std::exchange(room->turn, nullptr);
    for (BeastSession* member : room->members) member->give(frames);
  }
}

void accept_next(asio::ip::tcp::acceptor& acceptor, BeastSite& site) {
  acceptor.async_accept([&](beast::error_code error, asio::ip::tcp::socket socket) {
    if (!error) std::make_shared<BeastSession>(std::move(socket), site)->start();
    accept_next(acceptor, site);
  });
}

}  // namespace

void run_beast_server(const std::function<void(uint16_t)>& ready) {
  BeastSite site;
  asio::ip::tcp::acceptor acceptor(site.context, {asio::ip::address_v4::loopback(), 0});
  ready(acceptor.local_endpoint().port());
  accept_next(acceptor, site);
  site.context.run();
}

}  // namespace amicale::reference
