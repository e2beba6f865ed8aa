// SPDX-License-Identifier: Apache-2.0
//
// The watch: one pin for each stream, and what may follow it.
#include <algorithm>
#include <utility>

#include "amicale/client/audit.h"
#include "retry.h"

namespace amicale::client {
namespace {

// An honest server that is busy answers one of six. A plain no counts double: it is given once, to somebody who loses the right to
// read while the request is under way.
constexpr std::uint32_t most_refusals = 6;
std::uint32_t weight(v1::RefusalCode code) { return worth_another_try(code) ? 1 : 2; }
// Streams whose heads wait for the hand-overs of a new key; above, the oldest gives way.
constexpr std::size_t most_foreign = 64;

bool is_audited(Stream stream) {
  return stream.kind == v1::STREAM_KIND_CLUB || stream.kind == v1::STREAM_KIND_SITE;
}

AuditFault went_wrong(const v1::AuditHead& pinned, const v1::AuditHead& shown, AuditFault fault) {
  return pinned.epoch() == shown.epoch() ? fault : AuditFault::Restored;
}

}  // namespace

AuditWatch::AuditWatch(std::string key, AuditStore* store) : store_(store), key_(std::move(key)) {
  if (store_ == nullptr) return;
  // What was given counts more than what was seen.
  if (key_.empty()) key_ = store_->load_key();
}

AuditWatch::Watched& AuditWatch::watched(Stream stream) {
  const auto [place, fresh] = watched_.try_emplace(stream);
  if (fresh && store_ != nullptr) place->second.pin = store_->load(stream);
  return place->second;
}

void AuditWatch::take(const v1::AuditHead& head) { take(head, false); }
void AuditWatch::take_from_proof(const v1::AuditHead& head) { take(head, true); }

void AuditWatch::take(const v1::AuditHead& head, bool from_proof) {
  const Stream stream = Stream::from(head.stream());
  if (!is_audited(stream) || !is_signed(head)) {
    return alarm(stream, AuditFault::BadSignature, head);
  }
  if (trusts(head, from_proof)) check(head, from_proof);
}

bool AuditWatch::trusts(const v1::AuditHead& head, bool from_proof) {
  if (head.public_key() == key_) return true;
  if (key_.empty() || is_handed_over(site_keys_, key_, head.public_key())) {
    key_ = head.public_key();
    if (store_ != nullptr) store_->save_key(key_);
    return true;
  }
  if (foreign_.size() == most_foreign) foreign_.erase(foreign_.begin());
  foreign_.push_back({head, from_proof});
  if (keys_ == Keys::unknown) keys_ = Keys::wanted;
  return false;
}

void AuditWatch::check(const v1::AuditHead& head, bool from_proof) {
  const Stream stream = Stream::from(head.stream());
  Watched& it = watched(stream);
  if (!it.pin) return pin(stream, it, head);
  for (const auto* known :
       {&*it.pin, it.asked ? &it.asked->shown : nullptr, it.next ? &*it.next : nullptr}) {
    if (known == nullptr || known->epoch() != head.epoch()) continue;
    if (known->size() == head.size()) {
      // One size, one head: that is what makes two of them a proof.
      if (!same_head(*known, head)) alarm(stream, AuditFault::Fork, head);
      return;
    }
    if (head.size() < known->size() && !from_proof) {
      return alarm(stream, AuditFault::Truncated, head);
    }
  }
  if (it.asked) {
    if (!it.next || head.size() > it.next->size() || head.epoch() != it.next->epoch()) {
      it.next = head;
    }
    return;
  }
  if (head.size() < it.pin->size()) {
    // Under another epoch the past may be shorter: that is what has to be told.
    if (head.epoch() != it.pin->epoch()) return alarm(stream, AuditFault::Restored, head);
    return compare(stream, it, {head, *it.pin, head});
  }
  compare(stream, it, {*it.pin, head, head});
}

void AuditWatch::compare(Stream stream, Watched& it, Asked asked) {
  const bool same_size = asked.older.size() == asked.newer.size();
  it.asked = std::move(asked);
  if (same_size) conclude(stream, it, is_consistent(it.asked->older, it.asked->newer, {}));
}

void AuditWatch::conclude(Stream stream, Watched& it, bool consistent) {
  const Asked asked = std::move(*it.asked);
  it.asked.reset();
  it.refusals = 0;
  if (!consistent) {
    alarm(stream, went_wrong(*it.pin, asked.shown, AuditFault::Rewritten), asked.shown);
  } else if (asked.shown.size() >= it.pin->size()) {
    pin(stream, it, asked.shown);
  }
  if (auto next = std::exchange(it.next, std::nullopt)) check(*next, true);
}

void AuditWatch::pin(Stream stream, Watched& it, const v1::AuditHead& head) {
  it.pin = head;
  it.told.clear();
  if (store_ != nullptr) store_->save(head);
  findings_.emplace_back(AuditChecked{stream, head});
}

void AuditWatch::alarm(Stream stream, AuditFault fault, const v1::AuditHead& shown) {
  AuditAlarm alarm{stream, fault, std::nullopt, shown};
  if (is_audited(stream)) {
    Watched& it = watched(stream);
    // Once for each fault: the same lie may come with every event.
    const std::string told(word_for(fault));
    if (it.told == told) return;
    it.told = told;
    alarm.pinned = it.pin;
  }
  findings_.emplace_back(std::move(alarm));
}

std::optional<AuditWatch::Request> AuditWatch::next_request() {
  Request request;
  if (keys_ == Keys::wanted) {
    keys_ = Keys::asked;
    request.frame.mutable_get_audit_keys();
    return request;
  }
  for (auto& [stream, it] : watched_) {
    if (!it.asked || it.asked->sent) continue;
    it.asked->sent = true;
    request.stream = stream;
    auto& ask = *request.frame.mutable_get_audit_consistency();
    *ask.mutable_stream() = stream.proto();
    ask.set_from_size(it.asked->older.size());
    ask.set_to_size(it.asked->newer.size());
    return request;
  }
  return std::nullopt;
}

void AuditWatch::answered(Stream stream, const v1::Reply& reply) {
  if (!is_audited(stream)) return keys_answered(reply);
  Watched& it = watched(stream);
  if (!it.asked || !it.asked->sent) return;
  if (reply.has_refusal()) {
    const auto shown = it.asked->shown;
    it.asked.reset();
    it.refusals += weight(reply.refusal().code());
    if (it.refusals < most_refusals) {
      // Asked again with the next head, or on the next connection.
      it.next.reset();
      return;
    }
    it.refusals = 0;
    alarm(stream, AuditFault::Withheld, shown);
    if (auto next = std::exchange(it.next, std::nullopt)) check(*next, true);
    return;
  }
  const auto& path = reply.get_audit_consistency().path();
  const std::vector<std::string> hashes(path.begin(), path.end());
  conclude(stream, it, is_consistent(it.asked->older, it.asked->newer, hashes));
}

void AuditWatch::keys_answered(const v1::Reply& reply) {
  if (keys_ != Keys::asked) return;
  keys_ = Keys::unknown;
  const auto foreign = std::exchange(foreign_, {});
  if (reply.has_refusal()) {
    keys_refusals_ += weight(reply.refusal().code());
    if (keys_refusals_ < most_refusals) return;
    keys_refusals_ = 0;
    for (const auto& [head, from_proof] : foreign) {
      alarm(Stream::from(head.stream()), AuditFault::Withheld, head);
    }
    return;
  }
  keys_refusals_ = 0;
  const auto& keys = reply.get_audit_keys().keys();
  site_keys_.assign(keys.begin(), keys.end());
  for (const auto& [head, from_proof] : foreign) {
    const bool trusted =
        head.public_key() == key_ || is_handed_over(site_keys_, key_, head.public_key());
    if (!trusted) {
      alarm(Stream::from(head.stream()), AuditFault::UnknownKey, head);
    } else if (trusts(head, from_proof)) {
      check(head, from_proof);
    }
  }
}

void AuditWatch::lost() {
  foreign_.clear();
  keys_ = Keys::unknown;
  for (auto& [stream, it] : watched_) {
    it.asked.reset();
    it.next.reset();
  }
}

std::optional<AuditFinding> AuditWatch::next_finding() {
  if (findings_.empty()) return std::nullopt;
  AuditFinding finding = std::move(findings_.front());
  findings_.pop_front();
  return finding;
}

const v1::AuditHead* AuditWatch::pinned(Stream stream) {
  Watched& it = watched(stream);
  return it.pin ? &*it.pin : nullptr;
}

void AuditWatch::accept(Stream stream) {
  Watched& it = watched(stream);
  // Another key is believed the same way.
  if (it.told == word_for(AuditFault::UnknownKey)) key_.clear();
  it = {};
}

}  // namespace amicale::client
