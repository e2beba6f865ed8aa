// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/support/raw_client.h"

#include <openssl/x509.h>

#include <boost/asio/write.hpp>
#include <charconv>

namespace amicale::support {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

}  // namespace

std::string RawAnswer::field(std::string_view name) const {
  const auto begin = head.find("\r\n" + std::string(name) + ": ");
  if (begin == std::string::npos) return "";
  const auto value = begin + name.size() + 4;
  return head.substr(value, head.find("\r\n", value) - value);
}

RawClient::RawClient(std::uint16_t port, const char* from) : stream_(context_, settings_) {
  auto& socket = stream_.next_layer();
  socket.open(tcp::v4());
  socket.bind({boost::asio::ip::make_address(from), 0});
  socket.connect({boost::asio::ip::address_v4::loopback(), port});
}

RawClient::~RawClient() = default;

bool RawClient::start_tls(const std::string& certificate, int version) {
  settings_.load_verify_file(certificate);
  SSL_set_verify(stream_.native_handle(), SSL_VERIFY_PEER, nullptr);
  if (version != 0) SSL_set_max_proto_version(stream_.native_handle(), version);
  error_code error;
  stream_.handshake(boost::asio::ssl::stream_base::client, error);
  tls_ = !error;
  return tls_;
}

bool RawClient::send(std::string_view bytes) {
  error_code error;
  if (tls_)
    boost::asio::write(stream_, boost::asio::buffer(bytes), error);
  else
    boost::asio::write(stream_.next_layer(), boost::asio::buffer(bytes), error);
  return !error;
}

std::size_t RawClient::read_some(char* bytes, std::size_t most, error_code& error) {
  if (tls_) return stream_.read_some(boost::asio::buffer(bytes, most), error);
  return stream_.next_layer().read_some(boost::asio::buffer(bytes, most), error);
}

RawAnswer RawClient::receive() {
  RawAnswer answer;
  std::size_t head_end = std::string::npos;
  std::size_t wanted = 0;
  char bytes[4096];
  for (;;) {
    if (head_end == std::string::npos) {
      head_end = received_.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        answer.head = received_.substr(0, head_end + 2);
        std::from_chars(received_.data() + 9, received_.data() + 12, answer.status);
        const auto length = answer.field("Content-Length");
        std::from_chars(length.data(), length.data() + length.size(), wanted);
      }
    }
    if (head_end != std::string::npos && received_.size() >= head_end + 4 + wanted) break;
    error_code error;
    received_.append(bytes, read_some(bytes, sizeof bytes, error));
    if (error) return answer;
  }
  answer.body = received_.substr(head_end + 4, wanted);
  received_.erase(0, head_end + 4 + wanted);
  return answer;
}

bool RawClient::closed_by_peer() {
  char bytes[4096];
  error_code error;
  while (!error) read_some(bytes, sizeof bytes, error);
  return true;
}

std::uint64_t RawClient::serial() const {
  auto* certificate =
      SSL_get1_peer_certificate(const_cast<RawClient*>(this)->stream_.native_handle());
  std::uint64_t serial = 0;
  ASN1_INTEGER_get_uint64(&serial, X509_get_serialNumber(certificate));
  X509_free(certificate);
  return serial;
}

RawAnswer request(std::uint16_t port, std::string_view method, std::string_view target,
                  std::string_view fields, std::string_view body) {
  RawClient client(port);
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(fields);
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  client.send(text.append("\r\n").append(body));
  return client.receive();
}

}  // namespace amicale::support
