// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "amicale/v1/frame.pb.h"
#include "server/domain/refusal.h"

namespace amicale::http {

// Reads the body of POST /v1/call: one ClientFrame in protobuf's JSON form (bytes in base64, 64-bit numbers as text). A
// misspelt field is refused rather than passed over: who writes JSON by hand wants to know. A frame without request_id
// gets 1. The frame itself must be within limits::frame_bytes, as over WebSocket.
domain::Result<v1::ClientFrame> read_call(std::string_view body);

// The answer in the same form, on one line.
std::string write_reply(const v1::Reply& reply);

}  // namespace amicale::http
