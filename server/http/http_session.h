// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "server/http/http_shard.h"

namespace amicale::http {

// One connection from its first byte to its end: the TLS handshake, HTTP requests one after the other, and, after an upgrade,
// the WebSocket session. Every wait on the peer has a deadline. On the connection's shard; nothing is thrown for what a
// network or a hostile peer does.
runtime::Task<> serve_connection(HttpShard& home, runtime::Socket socket, Accepted accepted);

}  // namespace amicale::http
