// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

namespace amicale::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const Message* body_of(const v1::ClientFrame& frame) {
  if (frame.body_case() == v1::ClientFrame::BODY_NOT_SET) return nullptr;
  const FieldDescriptor* field =
      v1::ClientFrame::descriptor()->FindFieldByNumber(static_cast<int>(frame.body_case()));
  return field == nullptr ? nullptr : &frame.GetReflection()->GetMessage(frame, field);
}

const FieldDescriptor* field_of(const Message& body, const char* name) {
  return body.GetDescriptor()->FindFieldByName(name);
}

}  // namespace

RequestKind kind_of(const v1::ClientFrame& frame) {
  switch (frame.body_case()) {
    case v1::ClientFrame::BODY_NOT_SET: return RequestKind::Unknown;
    case v1::ClientFrame::kHello:
    case v1::ClientFrame::kAuthenticate:
    case v1::ClientFrame::kSubscribe:
    case v1::ClientFrame::kUnsubscribe:
    case v1::ClientFrame::kHeartbeat: return RequestKind::Session;
    case v1::ClientFrame::kLogin:
    case v1::ClientFrame::kLookUpInvitation:
    case v1::ClientFrame::kRegister:
    case v1::ClientFrame::kAppealSiteBan: return RequestKind::Entry;
    case v1::ClientFrame::kGetCharter:  // by an invitation's code, it is read before joining
      return frame.get_charter().code().empty() ? RequestKind::Query : RequestKind::Entry;
    case v1::ClientFrame::kLogout:
    case v1::ClientFrame::kCreateBackup: return RequestKind::Once;
    case v1::ClientFrame::kSetTyping: return RequestKind::Signal;
    default: break;
  }
  const Message* body = body_of(frame);
  if (body == nullptr) return RequestKind::Unknown;
  return field_of(*body, "client_msg_id") != nullptr ? RequestKind::Command : RequestKind::Query;
}

Stream lane_of(const v1::ClientFrame& frame) {
  const Message* body = body_of(frame);
  if (body == nullptr) return {};
  const auto* reflection = body->GetReflection();
  if (const auto* stream = field_of(*body, "stream"); stream != nullptr) {
    return Stream::from(static_cast<const v1::StreamId&>(reflection->GetMessage(*body, stream)));
  }
  if (const auto* club = field_of(*body, "club_id"); club != nullptr) {
    return Stream::club(reflection->GetUInt64(*body, club));
  }
  if (const auto* direct = field_of(*body, "direct_id"); direct != nullptr) {
    return Stream::direct(reflection->GetUInt64(*body, direct));
  }
  return {};  // one's own account and the site share a lane
}

std::string client_msg_id_of(const v1::ClientFrame& frame) {
  const Message* body = body_of(frame);
  const auto* field = body == nullptr ? nullptr : field_of(*body, "client_msg_id");
  return field == nullptr ? std::string() : body->GetReflection()->GetString(*body, field);
}

void set_client_msg_id(v1::ClientFrame& frame, const std::string& id) {
  const Message* body = body_of(frame);
  const auto* field = body == nullptr ? nullptr : field_of(*body, "client_msg_id");
  if (field == nullptr) return;
  const FieldDescriptor* outer =
      v1::ClientFrame::descriptor()->FindFieldByNumber(static_cast<int>(frame.body_case()));
  Message* mutable_body = frame.GetReflection()->MutableMessage(&frame, outer);
  mutable_body->GetReflection()->SetString(mutable_body, field, id);
}

bool may_be_stored(const v1::ClientFrame& frame) {
  return kind_of(frame) == RequestKind::Command && !frame.has_change_password();
}

}  // namespace amicale::client
