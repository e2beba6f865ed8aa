// SPDX-License-Identifier: Apache-2.0
//
// What kind of request a ClientFrame holds: that decides what happens to it when the connection is
// cut.
#pragma once

#include <string>

#include "amicale/client/stream.h"
#include "amicale/v1/frame.pb.h"

namespace amicale::client {

enum class RequestKind {
  Command,  // has a client_msg_id: repeated under it until answered, in order within its lane
  Query,    // changes nothing: repeated until its time is over
  Entry,    // before authentication: a password was typed for this attempt; a cut ends it
  Once,     // changes something and can't be repeated safely: a cut ends it
  Signal,   // worth something only now: dropped unless online
  Session,  // SessionCore's own
  Unknown,  // no body, or one from a later protocol
};

RequestKind kind_of(const v1::ClientFrame& frame);

// Commands of one lane are sent in the order of their calls: the stream that they concern.
Stream lane_of(const v1::ClientFrame& frame);

// "" when there is none or the request has no such field.
std::string client_msg_id_of(const v1::ClientFrame& frame);
void set_client_msg_id(v1::ClientFrame& frame, const std::string& id);

// A password may not be written to an outbox store.
bool may_be_stored(const v1::ClientFrame& frame);

}  // namespace amicale::client
