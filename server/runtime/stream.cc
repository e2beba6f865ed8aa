// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/runtime/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <climits>
#include <new>

namespace amicale::runtime {

void TlsStream::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsStream::TlsStream(Socket socket, ssl_ctx_st* context)
    : socket_(std::move(socket)), ssl_(SSL_new(context)) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
  socket_.native_non_blocking(true);
  SSL_set_accept_state(ssl_.get());
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One read(2) for as much as there is, instead of one for each record's header and one for its body.
  SSL_set_read_ahead(ssl_.get(), 1);
}

// OpenSSL knows the descriptor by its number, which may belong to another connection once the socket is closed.
TlsStream::Attempt TlsStream::closed() {
  return {Attempt::State::kDone, asio::error::operation_aborted, 0};
}

TlsStream::Attempt TlsStream::handshake() {
  if (!socket_.is_open()) return closed();
  ERR_clear_error();
  return outcome(SSL_do_handshake(ssl_.get()));
}

TlsStream::Attempt TlsStream::read(asio::mutable_buffer buffer) {
  if (!socket_.is_open()) return closed();
  ERR_clear_error();
  const auto most = std::min<std::size_t>(buffer.size(), INT_MAX);
  return outcome(SSL_read(ssl_.get(), buffer.data(), static_cast<int>(most)));
}

TlsStream::Attempt TlsStream::write(std::span<const char> record) {
  if (!socket_.is_open()) return closed();
  ERR_clear_error();
  return outcome(SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size())));
}

TlsStream::Attempt TlsStream::outcome(int result) {
  using State = Attempt::State;
  const auto system_error = errno;
  if (result > 0) return {State::kDone, {}, static_cast<std::size_t>(result)};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {State::kWaitRead, {}, 0};
    case SSL_ERROR_WANT_WRITE: return {State::kWaitWrite, {}, 0};
    case SSL_ERROR_ZERO_RETURN: return {State::kDone, asio::error::eof, 0};
    case SSL_ERROR_SYSCALL:
      if (system_error != 0)
        return {State::kDone, {system_error, boost::system::system_category()}, 0};
      return {State::kDone, asio::ssl::error::stream_truncated, 0};
    default: {
      const auto code = ERR_get_error();
      ERR_clear_error();
      if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return {State::kDone, asio::ssl::error::stream_truncated, 0};
      return {State::kDone, {static_cast<int>(code), asio::error::get_ssl_category()}, 0};
    }
  }
}

void TlsStream::close() {
  if (!socket_.is_open()) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void teardown(boost::beast::role_type, TlsStream& stream, boost::system::error_code& error) {
  stream.close();
  error = {};
}

}  // namespace amicale::runtime
