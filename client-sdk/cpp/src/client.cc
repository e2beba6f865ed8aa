// SPDX-License-Identifier: Apache-2.0
//
// Joins the session core with a WebSocket, a clock and a thread. The core and all of Impl's fields
// up to the line live on the client's thread; below the line is what poll() shares with it, under a
// mutex.
#include "amicale/client/client.h"

#include <openssl/rand.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "url.h"
#include "websocket.h"

namespace amicale::client {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kept_until_first_poll = 1000;
// How much longer than its flush a close() may take: the closing handshake.
constexpr Milliseconds closing_allowance{2000};

void fill_random(void* out, std::size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) != 1) {
    throw std::runtime_error("the system has no randomness");
  }
}

std::int64_t wall_clock_ms() {
  return std::chrono::duration_cast<Milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Settings settings_of(const Options& options) {
  Settings settings;
  settings.client_name = options.client_name;
  settings.language = options.language;
  settings.token = options.token;
  settings.signals = options.signals;
  settings.audit = options.audit;
  settings.audit_key = options.audit_key;
  settings.audit_store = options.audit_store;
  // With a store of cursors, the account's stream is followed from there (see deliver).
  settings.follow_account = options.follow_account && options.cursor_store == nullptr;
  settings.reconnect = options.reconnect;
  settings.longest_wait = options.longest_wait;
  settings.first_wait = std::min(settings.first_wait, options.longest_wait);
  settings.query_timeout = options.query_timeout;
  settings.outbox_calls = options.outbox_calls;
  settings.outbox_bytes = options.outbox_bytes;
  settings.lane_window = std::max<std::size_t>(1, options.lane_window);
  fill_random(&settings.seed, sizeof settings.seed);
  settings.new_message_id = &Client::new_message_id;
  settings.outbox_store = options.outbox_store;
  settings.unix_ms_at_start = wall_clock_ms();
  return settings;
}

}  // namespace

class Client::Impl {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)),
        url_(parse_url(options_.url)),
        work_(asio::make_work_guard(context_)),
        timer_(context_),
        flush_timer_(context_),
        core_(settings_of(options_), Steady::now()),
        event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_fd_ < 0) throw std::runtime_error("no file descriptor left for the client");
    set_up_tls();
    thread_ = std::thread([this] { context_.run(); });
    do_now([this] {
      for (const Stream stream : options_.follow) follow_now(stream, std::nullopt);
    });
  }

  ~Impl() {
    close(Milliseconds{0});
    work_.reset();
    asio::post(context_, [this] { timer_.cancel(); });
    thread_.join();
    ::close(event_fd_);
  }

  // Runs `step` on the client's thread, then carries out what the core wants.
  template <class Step>
  void do_now(Step step) {
    asio::post(context_, [this, step = std::move(step)]() mutable {
      step();
      carry_out();
    });
  }

  void connect() {
    do_now([this] { core_.connect(Steady::now()); });
  }

  void close(Milliseconds flush) {
    auto done = std::make_shared<std::promise<void>>();
    auto closed = done->get_future();
    do_now([this, flush, done] { begin_close(flush, done); });
    closed.wait_for(flush + closing_allowance);
  }

  void close_soon() {
    do_now([this] { core_.close(Steady::now()); });
  }

  CallId start(v1::ClientFrame request, Handler handler, Completion completion) {
    const CallId id = next_call_.fetch_add(1);
    do_now([this, id, request = std::move(request), handler = std::move(handler),
            completion = std::move(completion)]() mutable {
      if (handler || completion) waiting_[id] = {std::move(handler), std::move(completion)};
      const bool entry = request.has_login() || request.has_register_();
      const auto state = core_.state();
      if (entry && (state == SessionCore::State::Idle || state == SessionCore::State::Closed)) {
        core_.set_token({}, Steady::now());
        core_.connect(Steady::now());
      }
      core_.call(id, std::move(request), Steady::now());
    });
    return id;
  }

  void cancel(CallId call) {
    do_now([this, call] { core_.cancel(call, Steady::now()); });
  }

  void set_token(std::string token) {
    do_now([this, token = std::move(token)]() mutable {
      core_.set_token(std::move(token), Steady::now());
    });
  }

  void follow(Stream stream, std::optional<Position> from) {
    do_now([this, stream, from] { follow_now(stream, from); });
  }

  void accept_audit(Stream stream) {
    do_now([this, stream] { core_.accept_audit(stream); });
  }
  void unfollow(Stream stream) {
    do_now([this, stream] { core_.unfollow(stream, Steady::now()); });
  }

  std::vector<Happening> poll(std::size_t most) {
    save_cursors();
    std::vector<Item> taken;
    bool resume = false;
    {
      const std::lock_guard lock(mutex_);
      polled_ = true;
      while (!items_.empty() && taken.size() < most) {
        taken.push_back(std::move(items_.front()));
        items_.pop_front();
      }
      if (items_.empty()) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(event_fd_, &count, sizeof count);
      }
      resume = stalled_ && items_.size() <= options_.waiting_happenings / 2;
      if (resume) stalled_ = false;
    }
    if (resume) do_now([this] { set_reading(true); });
    std::vector<Happening> out;
    out.reserve(taken.size());
    for (Item& item : taken) {
      if (item.handler) item.handler(std::get<Answered>(item.happening).result);
      note_cursor(item.happening);
      out.push_back(std::move(item.happening));
    }
    return out;
  }

  int notification_fd() const { return event_fd_; }

 private:
  struct Waiter {
    Handler handler;
    Completion completion;
  };
  struct Item {
    Happening happening;
    Handler handler;
  };

  void set_up_tls() {
    try {
      tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                       asio::ssl::context::no_sslv3 | asio::ssl::context::no_compression);
      SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
      if (options_.ca_file.empty())
        tls_.set_default_verify_paths();
      else
        tls_.load_verify_file(options_.ca_file);
    } catch (const boost::system::system_error& error) {
      unusable_ = "ca_file: " + error.code().message();
    }
    if (!url_) unusable_ = "not a URL of the form ws://host:port or wss://host:port";
  }

  void follow_now(Stream stream, std::optional<Position> from) {
    if (!from && options_.cursor_store != nullptr) from = options_.cursor_store->load(stream);
    core_.follow(stream, from, Steady::now());
  }

  void begin_close(Milliseconds flush, std::shared_ptr<std::promise<void>> done) {
    closing_.push_back(std::move(done));
    flush_timer_.expires_after(flush);
    flush_timer_.async_wait([this](const boost::system::error_code& cancelled) {
      if (cancelled) return;
      core_.close(Steady::now());
      carry_out();
    });
  }

  // Carries out actions and delivers happenings until the core wants nothing more.
  void carry_out() {
    if (carrying_out_)
      return;  // a handler called back into the client on this thread: the loop below goes on
    carrying_out_ = true;
    for (bool more = true; more;) {
      more = false;
      while (auto action = core_.next_action()) {
        more = true;
        do_action(*action);
      }
      while (auto happening = core_.next_happening()) {
        more = true;
        deliver(std::move(*happening));
      }
    }
    carrying_out_ = false;
    finish_closing();
    arm_timer();
  }

  void do_action(Action& action) {
    if (std::holds_alternative<Connect>(action)) return open_socket();
    if (auto* send = std::get_if<Send>(&action)) {
      if (socket_) socket_->send(std::move(send->bytes));
      return;
    }
    if (socket_) socket_->close(static_cast<std::uint16_t>(std::get<Close>(action).code));
    socket_.reset();
  }

  void open_socket() {
    if (!unusable_.empty()) {
      core_.disconnected({0, {Failure::Kind::Network, {}, 0, unusable_}, true}, Steady::now());
      return;
    }
    WebSocketEvents events;
    events.open = [this] {
      core_.connected(Steady::now());
      carry_out();
    };
    events.message = [this](std::string_view bytes) {
      core_.received(bytes, Steady::now());
      carry_out();
    };
    events.lost = [this](Loss loss) {
      socket_.reset();
      core_.disconnected(std::move(loss), Steady::now());
      carry_out();
    };
    socket_ = WebSocket::make(
        context_, tls_,
        {*url_, options_.verify_certificate, options_.client_name, options_.connect_timeout},
        std::move(events));
    socket_->start();
  }

  void deliver(Happening happening) {
    Waiter waiter;
    if (const auto* online = std::get_if<Online>(&happening)) {
      if (socket_) socket_->set_largest_message(online->hello.limits().server_frame_bytes());
      if (options_.follow_account && options_.cursor_store != nullptr) {
        follow_now(Stream::account(online->me.account_id()), std::nullopt);
      }
    }
    if (const auto* answered = std::get_if<Answered>(&happening)) {
      if (auto node = waiting_.extract(answered->call)) waiter = std::move(node.mapped());
      if (waiter.completion) waiter.completion(answered->result);
    }
    if (options_.on_happening) {
      if (waiter.handler) waiter.handler(std::get<Answered>(happening).result);
      options_.on_happening(happening);
      note_cursor(happening);
      save_cursors();
      return;
    }
    keep_for_poll({std::move(happening), std::move(waiter.handler)});
  }

  void keep_for_poll(Item item) {
    const std::lock_guard lock(mutex_);
    // A handler is kept whatever the bound: calls in flight are bounded already.
    if (options_.waiting_happenings == 0 && !item.handler) return;
    items_.push_back(std::move(item));
    const std::uint64_t one = 1;
    if (items_.size() == 1) {
      [[maybe_unused]] const auto put = ::write(event_fd_, &one, sizeof one);
    }
    if (!polled_) {
      if (items_.size() > kept_until_first_poll && !items_.front().handler) items_.pop_front();
      return;
    }
    if (options_.waiting_happenings != 0 && items_.size() >= options_.waiting_happenings) {
      stalled_ = true;
      set_reading(false);
    }
  }

  void set_reading(bool reading) {
    core_.set_reading(reading, Steady::now());
    if (socket_) socket_->set_reading(reading);
  }

  void finish_closing() {
    if (closing_.empty()) return;
    if (core_.state() != SessionCore::State::Closed) {
      const bool hopeless = core_.state() != SessionCore::State::Online;
      if (!hopeless && core_.unanswered() > 0) return;
      core_.close(Steady::now());
      return carry_out();
    }
    flush_timer_.cancel();
    for (const auto& done : std::exchange(closing_, {})) done->set_value();
  }

  void arm_timer() {
    const auto deadline = core_.next_deadline();
    if (!deadline) {
      timer_.cancel();
      armed_.reset();
      return;
    }
    if (armed_ == deadline) return;
    armed_ = deadline;
    timer_.expires_at(*deadline);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
      if (cancelled) return;
      armed_.reset();
      core_.tick(Steady::now());
      carry_out();
    });
  }

  // Cursors of what was handed out; saved once it was handled. On the delivering thread.
  void note_cursor(const Happening& happening) {
    if (options_.cursor_store == nullptr) return;
    if (const auto* batch = std::get_if<Batch>(&happening))
      handled_[batch->stream] = batch->through;
    if (const auto* resynced = std::get_if<Resynced>(&happening)) {
      handled_[resynced->stream] = resynced->at;
    }
    if (const auto* ended = std::get_if<Ended>(&happening)) handled_[ended->stream] = std::nullopt;
    if (const auto* refused = std::get_if<FollowRefused>(&happening)) {
      handled_[refused->stream] = std::nullopt;
    }
  }

  void save_cursors() {
    for (const auto& [stream, position] : std::exchange(handled_, {})) {
      if (position)
        options_.cursor_store->save(stream, *position);
      else
        options_.cursor_store->forget(stream);
    }
  }

  Options options_;
  std::optional<Url> url_;
  std::string unusable_;  // why connecting can't work, if so
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_;
  asio::steady_timer flush_timer_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  SessionCore core_;
  std::shared_ptr<WebSocket> socket_;
  std::unordered_map<CallId, Waiter> waiting_;
  std::vector<std::shared_ptr<std::promise<void>>> closing_;
  std::optional<Time> armed_;
  bool carrying_out_ = false;
  // On the delivering thread, which is the client's own or the one that polls.
  std::map<Stream, std::optional<Position>> handled_;

  // ---- Shared
  std::atomic<CallId> next_call_{1};
  int event_fd_;
  std::mutex mutex_;
  std::deque<Item> items_;
  bool polled_ = false;
  bool stalled_ = false;
  std::thread thread_;
};

Client::Client(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

void Client::connect() { impl_->connect(); }
void Client::close(Milliseconds flush) { impl_->close(flush); }
void Client::close_soon() { impl_->close_soon(); }
void Client::set_token(std::string token) { impl_->set_token(std::move(token)); }
void Client::cancel(CallId call) { impl_->cancel(call); }
void Client::accept_audit(Stream stream) { impl_->accept_audit(stream); }
void Client::unfollow(Stream stream) { impl_->unfollow(stream); }
int Client::notification_fd() const { return impl_->notification_fd(); }
std::vector<Happening> Client::poll(std::size_t most) { return impl_->poll(most); }

void Client::follow(Stream stream, std::optional<Position> from) { impl_->follow(stream, from); }

CallId Client::call(v1::ClientFrame request, Handler handler) {
  return start(std::move(request), std::move(handler), {});
}

CallId Client::start(v1::ClientFrame request, Handler handler, Completion completion) {
  return impl_->start(std::move(request), std::move(handler), std::move(completion));
}

std::future<Result<v1::LoginReply>> Client::login(std::string login, std::string password,
                                                  std::string device_name) {
  v1::Login request;
  request.set_login(std::move(login));
  request.set_password(std::move(password));
  request.set_device_name(std::move(device_name));
  return call(std::move(request));
}

std::string Client::post(Stream stream, std::uint64_t room_id, std::string body,
                         std::uint64_t reply_to, v1::Mentions mentions) {
  std::string id = new_message_id();
  v1::ClientFrame frame;
  v1::PostMessage& post = *frame.mutable_post_message();
  *post.mutable_stream() = stream.proto();
  post.set_room_id(room_id);
  post.set_body(std::move(body));
  post.set_reply_to(reply_to);
  post.set_client_msg_id(id);
  if (mentions.ByteSizeLong() != 0) *post.mutable_mentions() = std::move(mentions);
  start(std::move(frame), {}, {});
  return id;
}

std::string Client::new_message_id() {
  std::string id(16, '\0');
  fill_random(id.data(), id.size());
  return id;
}

}  // namespace amicale::client
