// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "server/hub/hub.h"
#include "server/log/published.h"
#include "server/session/routes.h"

namespace amicale::session {

// The signed head of now for whoever begins to follow; nothing when the stream has no record. Signed once for all that come to this
// shard between two acts: a thousand who come back at once cost a signature.
std::optional<v1::AuditHead> present_head(hub::Followed& followed, const Parts& parts);

// Publishes a commit, and when acts are among its events also the signed head of the provable log that has grown by them. On the
// stream's home shard.
void publish(hub::Hub& hub, const Parts& parts, std::shared_ptr<const log::Published> published);

}  // namespace amicale::session
