// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/head.h"

#include <doctest/doctest.h>

#include <string>

namespace amicale::http {
namespace {

bool plain(const std::string& fields, const std::string& line = "POST /v1/call HTTP/1.1") {
  return is_plain_head(line + "\r\n" + fields + "\r\n");
}

TEST_CASE("a head ends with its empty line, however it arrives") {
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t had = 0; had < head.size(); ++had) {
    CHECK(head_size(std::string_view(head).substr(0, had), had / 2) == 0);
    CHECK(head_size(head + "body", had) == head.size());
  }
}

TEST_CASE("a request in HTTP/1.1 has one Host, which is a host") {
  CHECK(plain("Host: x\r\n"));
  CHECK(plain("hOST:\tchat.example.org:8080 \r\n"));
  CHECK(plain("Host: [::1]:8080\r\n"));
  CHECK_FALSE(plain(""));
  CHECK(plain("", "GET / HTTP/1.0"));
  CHECK_FALSE(plain("Host: a\r\nHost: b\r\n"));
  CHECK_FALSE(plain("Host: x\r\nHost: x\r\n", "GET / HTTP/1.0"));
  for (const char* value : {"", "a b", "a,b", "a/b", "u@a", "a?b", "a\\b"}) {
    CAPTURE(value);
    CHECK_FALSE(plain(std::string("Host: ") + value + "\r\n"));
  }
}

TEST_CASE("a folded line is refused, whatever is folded") {
  CHECK_FALSE(plain("Host: x\r\nA: 1\r\n 2\r\n"));
  CHECK_FALSE(plain("Host: x\r\nA: 1\r\n\t2\r\n"));
  CHECK_FALSE(plain("Host:\r\n x\r\n"));
  CHECK_FALSE(plain(" Host: x\r\n"));
}

TEST_CASE("nobody can read another end of a request than we do") {
  CHECK(plain("Host: x\r\nContent-Length: 17\r\n"));
  CHECK(plain("Host: x\r\nTransfer-Encoding: Chunked\r\n"));
  for (const char* fields :
       {"Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n",
        "Content-Length: +1\r\n", "Content-Length: -1\r\n", "Content-Length: 0x1\r\n",
        "Content-Length:\r\n", "Content-Length: 1 1\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \vchunked\r\n"}) {
    CAPTURE(fields);
    CHECK_FALSE(plain(std::string("Host: x\r\n") + fields));
  }
  CHECK_FALSE(plain("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"));
  CHECK_FALSE(plain("Host: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n"));
  CHECK_FALSE(plain("Host: x\r\nno colon\r\n"));
}

}  // namespace
}  // namespace amicale::http
