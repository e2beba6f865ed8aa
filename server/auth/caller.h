// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "amicale/v1/common.pb.h"

namespace amicale::auth {

// Who makes a request, as far as the connection knows. Membership is never here: it is judged in the partition, at commit.
struct Caller {
  uint64_t account_id = 0;  // 0 = not authenticated
  uint64_t token_id = 0;
  v1::SiteRole site_role = v1::SITE_ROLE_UNSPECIFIED;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
  uint64_t connection_id = 0;  // of the log lines; 0 = none
  int64_t asked_ms =
      0;  // when this request was taken up; what deadlines that queries show are judged by
  std::string address{};  // IPv4, or the /64 of IPv6, as text: what throttles count by
};

}  // namespace amicale::auth
