// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/call.h"

#include <doctest/doctest.h>

#include "server/domain/limits.h"

namespace amicale::http {
namespace {

v1::RefusalCode refusal_of(std::string_view body) {
  const auto frame = read_call(body);
  return frame ? v1::REFUSAL_CODE_UNSPECIFIED : frame.error().code;
}

TEST_CASE("a call is one ClientFrame in protobuf's JSON form") {
  const auto frame = read_call(
      R"({"requestId":7,"postMessage":{"stream":{"kind":"STREAM_KIND_CLUB","id":"18446744073709551615"},"roomId":"1",)"
      R"("body":"é \u00e9","clientMsgId":"AAECAwQFBgcICQoLDA0ODw=="}})");
  REQUIRE(frame);
  CHECK(frame->request_id() == 7);
  CHECK(frame->post_message().stream().id() == 18446744073709551615u);
  CHECK(frame->post_message().body() == "é é");
  CHECK(frame->post_message().client_msg_id().size() == 16);
}

TEST_CASE("the names of the .proto files work as well") {
  const auto frame = read_call(R"({"get_history":{"room_id":3}})");
  REQUIRE(frame);
  CHECK(frame->get_history().room_id() == 3);
}

TEST_CASE("a call without a request id gets one") {
  CHECK(read_call(R"({"listClubs":{}})")->request_id() == 1);
}

TEST_CASE("what is not a ClientFrame is refused") {
  for (const auto* body :
       {"", "x", "[]", "null", "{}", "{\"requestId\":1}", "{\"unknown\":{}}",
        "{\"listClubs\":{\"x\":1}}", "{\"listClubs\":{}", "{\"listClubs\":{}}{}",
        "{\"requestId\":-1}", "{\"postMessage\":{\"clientMsgId\":\"!!\"}}",
        "{\"postMessage\":{\"body\":\"\xff\"}}", "{\"listClubs\":{},\"listDirects\":{}}"}) {
    CAPTURE(body);
    CHECK(refusal_of(body) == v1::REFUSAL_CODE_BAD_REQUEST);
  }
}

TEST_CASE("deep nesting is refused before it is parsed") {
  CHECK(refusal_of(std::string(100'000, '[')) == v1::REFUSAL_CODE_BAD_REQUEST);
  CHECK(refusal_of(
            R"({"postMessage":{"body":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{{{{{\"[[["}})") ==
        v1::REFUSAL_CODE_UNSPECIFIED);
}

TEST_CASE("a frame over the limit of a frame is too large, however it is written") {
  const auto body =
      R"({"postMessage":{"body":")" + std::string(domain::limits::frame_bytes, 'a') + "\"}}";
  CHECK(refusal_of(body) == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("a reply is written in the same form, on one line") {
  v1::Reply reply;
  reply.set_request_id(7);
  reply.mutable_login()->set_token(std::string(3, '\xff'));
  reply.mutable_login()->set_account_id(5);
  CHECK(write_reply(reply) ==
        "{\"requestId\":7,\"login\":{\"token\":\"////\",\"accountId\":\"5\"}}\n");
}

}  // namespace
}  // namespace amicale::http
