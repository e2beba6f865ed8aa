// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Keys as they could be found on a disk: each parser answers a key or nothing; what it answers makes the same key again.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "storage/keys.h"

namespace {
namespace key = amicale::storage::key;
using amicale::storage::Family;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto k = key::parse_log_entry(bytes))
    check(key::log_entry(k->partition, k->seq) == bytes, "log entry");
  if (const auto k = key::parse_message(bytes)) {
    check(key::message(k->partition, k->room_id, k->number) == bytes, "message");
  }
  if (const auto k = key::parse_role(bytes))
    check(key::role(k->club_id, k->account_id, k->seq) == bytes, "role");
  if (const auto k = key::parse_idempotency(bytes)) {
    check(key::idempotency(k->partition, k->actor, k->client_msg_id) == bytes, "idempotency");
  }
  if (const auto k = key::parse_head(bytes)) check(key::head(*k) == bytes, "head");
  if (const auto k = key::parse_invitation_ref(bytes)) {
    check(key::invitation_ref(k->partition, k->invitation_id) == bytes, "invitation reference");
  }
  if (const auto number = key::parse_u64(bytes)) check(key::u64(*number) == bytes, "number");
  (void)key::parse_second_id(bytes);
  for (std::size_t family = 0; family < amicale::storage::kFamilies; ++family) {
    (void)key::describe(static_cast<Family>(family), bytes);
  }
  const auto end = key::end_of(bytes);
  check(end.empty() || end > bytes, "the end of a prefix comes after it");
  if (const auto partition = amicale::storage::parse_partition(bytes)) {
    check(amicale::storage::to_string(*partition) == bytes, "partition");
  }
  return 0;
}
