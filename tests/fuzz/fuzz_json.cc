// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Bodies of POST /v1/call: JSON becomes a request or BAD_REQUEST, and a request written as JSON is read back as the same one.
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/domain/limits.h"
#include "server/http/call.h"

namespace {

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amicale;
  const auto frame = http::read_call({reinterpret_cast<const char*>(data), size});
  if (!frame) {
    check(frame.error().code == v1::REFUSAL_CODE_BAD_REQUEST ||
              frame.error().code == v1::REFUSAL_CODE_TOO_LARGE,
          "a body that is no request is refused as such");
    return 0;
  }
  check(frame->body_case() != v1::ClientFrame::BODY_NOT_SET && frame->request_id() != 0,
        "a request has a body and an id");
  check(frame->ByteSizeLong() <= domain::limits::frame_bytes, "a request is within the bound");
  std::string json;
  // Text that is no UTF-8 can come in by escapes of no character, and has no JSON.
  if (!google::protobuf::util::MessageToJsonString(*frame, &json).ok()) return 0;
  const auto again = http::read_call(json);
  check(again && google::protobuf::util::MessageDifferencer::Equals(*frame, *again),
        "a request comes back from its JSON");
  return 0;
}
