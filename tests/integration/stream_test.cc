// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/runtime/stream.h"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <csignal>

#include "server/http/tls.h"
#include "server/runtime/task.h"
#include "tests/support/identity.h"

namespace amicale::runtime {
namespace {

using asio::ip::tcp;
using Client = asio::ssl::stream<tcp::socket>;

// A connected pair: our stream, its handshake done, and a client of Asio's own. One thread runs both.
struct Pair {
  support::Identity identity;
  http::TlsContext settings = *http::load_tls({identity.certificate(), identity.key()});
  asio::io_context context{1};
  asio::ssl::context client_settings{asio::ssl::context::tls_client};
  std::unique_ptr<TlsStream> server;
  std::unique_ptr<Client> client;

  Pair() {
    std::signal(SIGPIPE, SIG_IGN);
    client_settings.load_verify_file(identity.certificate());
    client_settings.set_verify_mode(asio::ssl::verify_peer);
    run(connect());
  }

  Task<> connect() {
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    client = std::make_unique<Client>(context, client_settings);
    co_await client->lowest_layer().async_connect(acceptor.local_endpoint(), use_task);
    auto accepted = co_await acceptor.async_accept(context.get_executor(), use_task);
    server = std::make_unique<TlsStream>(std::move(accepted), settings->native_handle());
    boost::system::error_code client_error;
    client->async_handshake(Client::client, [&](boost::system::error_code e) { client_error = e; });
    co_await server->async_handshake(use_task);
    CHECK_FALSE(client_error);
  }

  // Runs a task, and whatever it started, to the end.
  void run(Task<> task) {
    std::exception_ptr error;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr e) { error = e; });
    context.restart();
    context.run();
    if (error) std::rethrow_exception(error);
  }
};

Task<> echo_once(Pair& pair) {
  co_await asio::async_write(*pair.client, asio::buffer("hello", 5), use_task);
  char bytes[64];
  const auto size = co_await pair.server->async_read_some(asio::buffer(bytes), use_task);
  CHECK(std::string_view(bytes, size) == "hello");
  co_await asio::async_write(*pair.server, asio::buffer(bytes, size), use_task);
  const auto back = co_await pair.client->async_read_some(asio::buffer(bytes), use_task);
  CHECK(std::string_view(bytes, back) == "hello");
}

TEST_CASE("bytes go both ways through a TLS stream") {
  Pair pair;
  pair.run(echo_once(pair));
}

Task<> read_all(Client& client, std::string& into) {
  char bytes[8192];
  while (true) {
    auto [error, size] = co_await client.async_read_some(asio::buffer(bytes), as_result);
    into.append(bytes, size);
    if (error) co_return;
  }
}

Task<> write_gathered(TlsStream& stream, std::vector<asio::const_buffer> buffers) {
  co_await asio::async_write(stream, buffers, use_task);
  stream.close();
}

TEST_CASE(
    "a gathering write of large and small buffers arrives whole, in order, and ends cleanly") {
  Pair pair;
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i < 2000; ++i)
    pieces.emplace_back(i % 100 == 0 ? 40'000 : i % 97, static_cast<char>('a' + i % 26));
  std::string expected;
  std::vector<asio::const_buffer> buffers;
  for (const auto& piece : pieces) {
    expected += piece;
    buffers.emplace_back(asio::buffer(piece));
  }
  std::string received;
  asio::co_spawn(pair.context, read_all(*pair.client, received), asio::detached);
  pair.run(write_gathered(*pair.server, buffers));
  CHECK(received == expected);
}

Task<> read_until_end(TlsStream& stream, boost::system::error_code& end) {
  char bytes[64];
  auto [error, size] = co_await stream.async_read_some(asio::buffer(bytes), as_result);
  CHECK(size == 0);
  end = error;
}

Task<> shut_down(Client& client) { co_await client.async_shutdown(as_result); }

Task<> answer_goodbye(TlsStream& stream, boost::system::error_code& end) {
  co_await read_until_end(stream, end);
  stream.close();
}

TEST_CASE("a client's goodbye is an end, and a cut is told apart from it") {
  Pair polite;
  boost::system::error_code end;
  asio::co_spawn(polite.context, shut_down(*polite.client), asio::detached);
  polite.run(answer_goodbye(*polite.server, end));
  CHECK(end == asio::error::eof);

  Pair cut;
  cut.client->lowest_layer().close();
  cut.run(read_until_end(*cut.server, end));
  CHECK(end);
  CHECK(end != asio::error::eof);
}

TEST_CASE("closing the socket ends a read that waits, and later ones fail at once") {
  Pair pair;
  boost::system::error_code end;
  asio::post(pair.context, [&] { pair.server->next_layer().close(); });
  pair.run(read_until_end(*pair.server, end));
  CHECK(end == asio::error::operation_aborted);
  pair.run(read_until_end(*pair.server, end));
  CHECK(end == asio::error::operation_aborted);
}

TEST_CASE("what is not TLS fails the handshake") {
  support::Identity identity;
  const auto settings = *http::load_tls({identity.certificate(), identity.key()});
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  tcp::socket client(context);
  client.connect(acceptor.local_endpoint());
  TlsStream server(acceptor.accept(context.get_executor()), settings->native_handle());
  asio::write(client, asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
  boost::system::error_code error;
  server.async_handshake([&](boost::system::error_code e) { error = e; });
  context.run();
  CHECK(error.category() == asio::error::get_ssl_category());
}

}  // namespace
}  // namespace amicale::runtime
