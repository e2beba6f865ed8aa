// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The SDK's client over real sockets on loopback, plain and TLS, against a small server that speaks
// just enough: the simulated one behind a Beast WebSocket.
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "amicale/client/client.h"
#include "amicale/client/model.h"
#include "tests/support/simulated_server.h"

using namespace amicale::client;
namespace v1 = amicale::v1;
using amicale::testing::SimulatedServer;
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

const Stream club = Stream::club(1);

// A key and a certificate for `name`, signed by itself, as PEM files that go away with it.
struct Certificate {
  std::filesystem::path folder;
  std::string certificate_file() const { return folder / "certificate.pem"; }
  std::string key_file() const { return folder / "key.pem"; }

  explicit Certificate(const std::string& name) {
    char pattern[] = "/tmp/amicale-test-XXXXXX";
    folder = ::mkdtemp(pattern);
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str());
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x509, key, EVP_sha256());
    write(certificate_file(), [&](BIO* bio) { PEM_write_bio_X509(bio, x509); });
    write(key_file(), [&](BIO* bio) {
      PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    X509_free(x509);
    EVP_PKEY_free(key);
  }
  ~Certificate() { std::filesystem::remove_all(folder); }

  static void write(const std::string& path, const std::function<void(BIO*)>& fill) {
    BIO* bio = BIO_new_file(path.c_str(), "w");
    fill(bio);
    BIO_free(bio);
  }
};

// Serves one connection after another, each on the server's own thread, reading and answering in
// turn. cut() closes the socket under the client.
class SocketServer {
 public:
  explicit SocketServer(const Certificate* certificate = nullptr)
      : acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}) {
    if (certificate != nullptr) {
      tls_.emplace(asio::ssl::context::tls_server);
      tls_->use_certificate_file(certificate->certificate_file(), asio::ssl::context::pem);
      tls_->use_private_key_file(certificate->key_file(), asio::ssl::context::pem);
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~SocketServer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (socket_ != nullptr) ::shutdown(socket_->native_handle(), SHUT_RDWR);
    }
    // Wakes the blocking accept.
    tcp::socket last(context_);
    boost::system::error_code ignored;
    last.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  std::string url(const std::string& host = "localhost") const {
    return (tls_ ? "wss://" : "ws://") + host + ':' +
           std::to_string(acceptor_.local_endpoint().port());
  }

  void cut() {
    const std::lock_guard lock(mutex_);
    if (socket_ != nullptr) ::shutdown(socket_->native_handle(), SHUT_RDWR);
  }

  // A copy of what the server holds now.
  SimulatedServer logic() {
    const std::lock_guard lock(logic_mutex_);
    return logic_;
  }

  std::string subprotocol = "amicale.v1";  // set before a client connects

 private:
  void serve() {
    for (;;) {
      tcp::socket socket(context_);
      boost::system::error_code error;
      acceptor_.accept(socket, error);
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        socket_ = &socket;
      }
      {
        const std::lock_guard lock(logic_mutex_);
        logic_.open();
      }
      try {
        if (tls_) {
          websocket::stream<beast::ssl_stream<tcp::socket&>> stream(socket, *tls_);
          stream.next_layer().handshake(asio::ssl::stream_base::server);
          talk(stream);
        } else {
          websocket::stream<tcp::socket&> stream(socket);
          talk(stream);
        }
      } catch (const boost::system::system_error&) {
        // cut, closed, or not trusted by the client
      }
      const std::lock_guard lock(mutex_);
      socket_ = nullptr;
    }
  }

  template <class WebSocketStream>
  void talk(WebSocketStream& stream) {
    stream.set_option(websocket::stream_base::decorator([this](websocket::response_type& response) {
      response.set(beast::http::field::sec_websocket_protocol, subprotocol);
    }));
    stream.accept();
    stream.binary(true);
    for (;;) {
      beast::flat_buffer buffer;
      stream.read(buffer);
      std::deque<std::string> frames;
      {
        const std::lock_guard lock(logic_mutex_);
        logic_.receive(beast::buffers_to_string(buffer.data()));
        frames.swap(logic_.outgoing);
      }
      for (const std::string& frame : frames) stream.write(asio::buffer(frame));
    }
  }

  asio::io_context context_;
  std::optional<asio::ssl::context> tls_;
  tcp::acceptor acceptor_;
  std::mutex logic_mutex_;
  SimulatedServer logic_;
  std::mutex mutex_;
  tcp::socket* socket_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

// Collects what a client tells, and waits for it.
class Told {
 public:
  std::function<void(const Happening&)> listener() {
    return [this](const Happening& happening) {
      {
        const std::lock_guard lock(mutex_);
        happened_.push_back(happening);
      }
      changed_.notify_all();
    };
  }
  bool wait_for(const std::function<bool(const std::vector<Happening>&)>& so) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return so(happened_); });
  }
  template <class T>
  bool wait_for_kind(std::size_t count = 1) {
    return wait_for([count](const auto& happened) {
      std::size_t seen = 0;
      for (const auto& one : happened) seen += std::holds_alternative<T>(one);
      return seen >= count;
    });
  }
  template <class T>
  T last() {
    const std::lock_guard lock(mutex_);
    for (auto i = happened_.rbegin(); i != happened_.rend(); ++i) {
      if (const T* found = std::get_if<T>(&*i)) return *found;
    }
    return {};
  }
  std::vector<std::uint64_t> seqs() {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint64_t> out;
    for (const auto& one : happened_) {
      if (const Batch* batch = std::get_if<Batch>(&one)) {
        for (const auto& event : batch->events) out.push_back(event.seq());
      }
    }
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Happening> happened_;
};

Options options_for(const SocketServer& server, Told& told) {
  Options options;
  options.url = server.url();
  options.follow_account = false;
  options.on_happening = told.listener();
  return options;
}

void log_in_and_post(SocketServer& server, Options options, Told& told) {
  Client client(std::move(options));
  const auto login = client.login("ada", "password", "test").get();
  REQUIRE_MESSAGE(login.has_value(), login.error().message);
  client.follow(club);
  REQUIRE(told.wait_for_kind<Resynced>());
  const std::string id = client.post(club, 1, "bonjour");
  REQUIRE(told.wait_for_kind<Batch>());
  CHECK(told.last<Batch>().events.back().client_msg_id() == id);
  client.close();
  CHECK(server.logic().posted(club) == std::vector{id});
}

}  // namespace

TEST_CASE("a client logs in, follows and posts over plain TCP") {
  Told told;
  SocketServer server;
  log_in_and_post(server, options_for(server, told), told);
}

TEST_CASE("a client logs in, follows and posts over TLS with a trusted certificate") {
  const Certificate certificate("localhost");
  Told told;
  SocketServer server(&certificate);
  Options options = options_for(server, told);
  options.ca_file = certificate.certificate_file();
  log_in_and_post(server, std::move(options), told);
}

TEST_CASE("a certificate that is not trusted, or is another host's, is refused for good") {
  std::string name = "localhost";
  bool trusted = false;
  SUBCASE("not trusted") {}
  SUBCASE("another host's") {
    name = "elsewhere.example";
    trusted = true;
  }
  const Certificate certificate(name);
  Told told;
  SocketServer server(&certificate);
  Options options = options_for(server, told);
  if (trusted) options.ca_file = certificate.certificate_file();
  Client client(std::move(options));
  const auto login = client.login("ada", "password", "test").get();
  REQUIRE_FALSE(login.has_value());
  REQUIRE(told.wait_for_kind<Closed>());
  CHECK(told.last<Closed>().why.kind == Failure::Kind::Certificate);
  CHECK(server.logic().seen.empty());
}

TEST_CASE("a client that is cut again and again misses nothing and doubles nothing") {
  Told told;
  SocketServer server;
  Options options = options_for(server, told);
  options.token = "token";
  options.follow = {club};
  Client client(std::move(options));
  client.connect();
  for (std::size_t i = 1; i <= 3; ++i) {
    REQUIRE(told.wait_for_kind<Online>(i));
    client.post(club, 1, "before the cut");
    server.cut();
    client.post(club, 1, "after the cut");
  }
  REQUIRE(told.wait_for_kind<Answered>(6));
  client.close();
  const auto seqs = told.seqs();
  CHECK(server.logic().logs[club].size() == 6);
  for (std::size_t i = 1; i < seqs.size(); ++i) CHECK(seqs[i] == seqs[i - 1] + 1);
}

TEST_CASE("a graphical program polls, and is woken by the descriptor") {
  SocketServer server;
  Options options;
  options.url = server.url();
  options.token = "token";
  options.follow_account = false;
  options.follow = {club};
  options.waiting_happenings = 4;  // so that reading stops and goes on
  Client client(std::move(options));
  client.connect();
  Model model;
  bool answered = false;
  std::size_t posted = 0;
  while (posted < 20) {
    pollfd ready{client.notification_fd(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 30'000) == 1);
    for (const Happening& happening : client.poll(2)) {
      model.apply(happening, std::chrono::steady_clock::now());
      if (std::holds_alternative<Online>(happening)) {
        for (int i = 0; i < 20; ++i) client.post(club, 1, std::to_string(i));
        v1::ClientFrame frame;
        frame.mutable_list_clubs();
        client.call(std::move(frame),
                    [&](const Result<v1::Reply>& reply) { answered = reply.has_value(); });
      }
      if (const auto* batch = std::get_if<Batch>(&happening)) posted += batch->events.size();
    }
  }
  while (!answered) {
    pollfd ready{client.notification_fd(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 30'000) == 1);
    client.poll();
  }
  CHECK(server.logic().logs[club].size() == 20);
}

TEST_CASE("cursors are saved once their events were handled, and a second run resumes there") {
  class Store final : public CursorStore {
   public:
    std::optional<Position> load(Stream stream) override {
      const auto found = saved.find(stream);
      return found == saved.end() ? std::nullopt : std::optional(found->second);
    }
    void save(Stream stream, Position position) override { saved[stream] = position; }
    void forget(Stream stream) override { saved.erase(stream); }
    std::map<Stream, Position> saved;
  } store;
  SocketServer server;
  for (int run = 0; run < 2; ++run) {
    Told told;
    Options options = options_for(server, told);
    options.token = "token";
    options.follow = {club};
    options.cursor_store = &store;
    Client client(std::move(options));
    client.connect();
    if (run == 0)
      REQUIRE(told.wait_for_kind<Resynced>());
    else
      REQUIRE(told.wait_for_kind<Resumed>());
    client.post(club, 1, "x");
    REQUIRE(told.wait_for_kind<Batch>());
    client.close();
  }
  CHECK(store.saved[club] == Position{1, 2});
}

TEST_CASE("closing flushes what was posted") {
  Told told;
  SocketServer server;
  Options options = options_for(server, told);
  options.token = "token";
  Client client(std::move(options));
  client.connect();
  REQUIRE(told.wait_for_kind<Online>());
  for (int i = 0; i < 50; ++i) client.post(club, 1, "flush me");
  client.close(20s);
  CHECK(server.logic().logs[club].size() == 50);
}

TEST_CASE("what cannot work is told at once: a bad URL, a missing authority, another protocol") {
  Told told;
  SocketServer server;
  Options options = options_for(server, told);
  SUBCASE("URL") { options.url = "http://localhost"; }
  SUBCASE("a secret in the URL") { options.url = "ws://ada:secret@localhost"; }
  SUBCASE("ca_file") { options.ca_file = "/nowhere.pem"; }
  SUBCASE("another protocol") { server.subprotocol = "chat.v9"; }
  Client client(std::move(options));
  client.connect();
  REQUIRE(told.wait_for_kind<Closed>());
  CHECK(told.last<Closed>().why.kind == Failure::Kind::Network);
  CHECK_FALSE(client.login("ada", "password", "test").get().has_value());
}

TEST_CASE("a client of a server that is not there says so, and keeps trying until it is closed") {
  Told told;
  std::string url;
  {
    SocketServer server;
    url = server.url();
  }
  Options options;
  options.url = url;
  options.token = "token";
  options.on_happening = told.listener();
  Client client(std::move(options));
  client.connect();
  REQUIRE(told.wait_for_kind<Connecting>(3));
  CHECK(told.last<Waiting>().why.kind == Failure::Kind::Network);
  auto clubs = client.call(v1::ListClubs{});
  client.close();
  CHECK(clubs.get().error().kind == Failure::Kind::Cancelled);
}
