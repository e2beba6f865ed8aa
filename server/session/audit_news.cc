// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/audit_news.h"

#include <spdlog/spdlog.h>

#include "storage/audit.h"

namespace amicale::session {
namespace {

hub::AuditNews as_news(const v1::AuditHead& head) {
  v1::ServerFrame frame;
  *frame.add_audit_heads() = head;
  return {.size = head.size(),
          .head = std::make_shared<const std::string>(frame.SerializeAsString())};
}

void announce_acts(hub::Hub& hub, const Parts& parts, storage::PartitionId stream) {
  // Whoever follows later is told the head of then.
  if (!hub.is_followed(stream)) return;
  try {
    const auto head = queries::audit_head(parts.gate.view(), stream, audit_signer(parts));
    if (head) hub.publish(stream, as_news(*head));
  } catch (const storage::Error& error) {
    // The act is done and told; only its head waits for the next one.
    spdlog::error("audit head cannot be made partition={} error=\"{}\"", storage::to_string(stream),
                  error.what());
  }
}

}  // namespace

std::optional<v1::AuditHead> present_head(hub::Followed& followed, const Parts& parts) {
  const auto view = parts.gate.view();
  const uint64_t size = storage::audit_size(view, followed.id);
  if (size == 0) return std::nullopt;
  if (followed.audit.size == size) {
    v1::ServerFrame frame;
    frame.ParseFromString(*followed.audit.head);
    return frame.audit_heads(0);
  }
  auto head = queries::audit_head(view, followed.id, audit_signer(parts));
  if (head && head->size() > followed.audit.size) followed.audit = as_news(*head);
  return head;
}

void publish(hub::Hub& hub, const Parts& parts, std::shared_ptr<const log::Published> published) {
  const auto stream = published->partition;
  const bool acts = published->events.acts;
  hub.publish(std::move(published));
  if (acts) announce_acts(hub, parts, stream);
}

}  // namespace amicale::session
