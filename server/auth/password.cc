// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/auth/password.h"

#include <argon2.h>
#include <sys/resource.h>

#include <stdexcept>
#include <vector>

#include "server/auth/token.h"
#include "server/runtime/hop.h"

namespace amicale::auth {
namespace {

constexpr uint32_t salt_bytes = 16;
constexpr uint32_t hash_bytes = 32;
// Of the hashing threads: beside a busy shard they get about a tenth of a core, and a shard that wakes never waits for one.
constexpr int niceness = 10;

}  // namespace

Passwords::Passwords(unsigned threads, unsigned queue, Cost cost)
    : queue_(queue),
      cost_(cost),
      decoy_(hash_now(random_bytes(16), cost)),
      pool_(std::in_place, threads),
      executor_(pool_->get_executor()) {}

Passwords::Passwords(boost::asio::any_io_executor executor, unsigned queue, Cost cost)
    : queue_(queue),
      cost_(cost),
      decoy_(hash_now(random_bytes(16), cost)),
      executor_(std::move(executor)) {}

Passwords::~Passwords() {
  if (pool_) pool_->join();
}

std::string Passwords::hash_now(const std::string& password, Cost cost) {
  std::string salt = random_bytes(salt_bytes);
  std::vector<char> encoded(argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, salt_bytes,
                                              hash_bytes, Argon2_id));
  int result = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.data(),
                                     password.size(), salt.data(), salt.size(), hash_bytes,
                                     encoded.data(), encoded.size());
  if (result != ARGON2_OK) throw std::runtime_error(argon2_error_message(result));
  return encoded.data();
}

// On a thread of the pool, which is ours alone.
void Passwords::yield_to_others() const {
  static thread_local bool yields = false;
  if (!pool_ || yields) return;
  yields = true;
  // Linux keeps a niceness per thread; 0 is the calling one. Should it be refused, the thread competes as any other.
  (void)::setpriority(PRIO_PROCESS, 0, niceness);
}

bool Passwords::enter() {
  if (waiting_.fetch_add(1) < queue_) return true;
  waiting_.fetch_sub(1);
  return false;
}

runtime::Task<std::optional<std::string>> Passwords::hash(std::string password) {
  if (!enter()) co_return std::nullopt;
  auto hashed = co_await runtime::hop(executor_, [this, password] {
    struct Leave {
      std::atomic<unsigned>& waiting;
      ~Leave() { waiting.fetch_sub(1); }
    } leave{waiting_};
    yield_to_others();
    return hash_now(password, cost_);
  });
  co_return hashed;
}

runtime::Task<std::optional<bool>> Passwords::verify(std::string password, std::string hash) {
  if (!enter()) co_return std::nullopt;
  bool matches = co_await runtime::hop(executor_, [this, password, hash] {
    struct Leave {
      std::atomic<unsigned>& waiting;
      ~Leave() { waiting.fetch_sub(1); }
    } leave{waiting_};
    yield_to_others();
    const std::string& against = hash.empty() ? decoy_ : hash;
    bool same = argon2id_verify(against.c_str(), password.data(), password.size()) == ARGON2_OK;
    return same && !hash.empty();
  });
  co_return matches;
}

}  // namespace amicale::auth
