// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/call.h"

#include <google/protobuf/util/json_util.h>

#include <stdexcept>

#include "server/domain/limits.h"

namespace amicale::http {
namespace json = google::protobuf::util;

namespace {

// Whether `body` nests deeper than any request does. Checked before the JSON reader, which recurses.
bool too_deep(std::string_view body) {
  std::uint32_t depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > domain::limits::nesting) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

domain::Result<v1::ClientFrame> read_call(std::string_view body) {
  if (too_deep(body)) return domain::bad_request("body");
  v1::ClientFrame frame;
  json::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  options.case_insensitive_enum_parsing = false;
  const auto status = json::JsonStringToMessage({body.data(), body.size()}, &frame, options);
  if (!status.ok()) return domain::bad_request("body");
  if (frame.body_case() == v1::ClientFrame::BODY_NOT_SET) return domain::bad_request("body");
  if (const auto size = frame.ByteSizeLong(); size > domain::limits::frame_bytes)
    return domain::too_large("body", domain::limits::frame_bytes, size);
  if (frame.request_id() == 0) frame.set_request_id(1);
  return frame;
}

std::string write_reply(const v1::Reply& reply) {
  std::string body;
  const auto status = json::MessageToJsonString(reply, &body);
  // Only text that is not UTF-8 makes this fail, and none is stored.
  if (!status.ok()) throw std::runtime_error("a reply cannot be written as JSON");
  return body + "\n";
}

}  // namespace amicale::http
