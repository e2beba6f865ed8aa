// SPDX-License-Identifier: Apache-2.0
#include "amicale/client/stream.h"

namespace amicale::client {

std::string Stream::text() const {
  const char* name = "stream";
  switch (kind) {
    case v1::STREAM_KIND_SITE: name = "site"; break;
    case v1::STREAM_KIND_CLUB: name = "club"; break;
    case v1::STREAM_KIND_ACCOUNT: name = "account"; break;
    case v1::STREAM_KIND_DIRECT: name = "direct"; break;
    default: break;
  }
  return std::string(name) + '/' + std::to_string(id);
}

}  // namespace amicale::client
