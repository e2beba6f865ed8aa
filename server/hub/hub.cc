// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/hub/hub.h"

#include <algorithm>

#include "storage/view.h"

namespace amicale::hub {

Writer::~Writer() {
  // Rare: a session ends in the very turn in which it was woken.
  if (!woken_) return;
  std::ranges::replace(hub_.woken_, this, nullptr);
  std::ranges::replace(hub_.flushing_, this, nullptr);
}

void Writer::wake() {
  if (woken_) return;
  woken_ = true;
  hub_.schedule(*this);
}

Hub::Hub(runtime::Shard& shard, storage::Database& database, Bounds bounds)
    : shard_(shard), database_(database), bounds_(bounds) {}

void Hub::schedule(Writer& writer) {
  if (woken_.empty()) shard_.post([this] { flush_woken(); });
  woken_.push_back(&writer);
}

void Hub::flush_woken() {
  flushing_.swap(woken_);
  for (std::size_t i = 0; i < flushing_.size(); ++i) {
    Writer* writer = flushing_[i];
    if (!writer) continue;
    writer->woken_ = false;
    writer->flush();
  }
  flushing_.clear();
}

runtime::Task<Followed*> Hub::follow(storage::PartitionId id, unsigned home, Writer& reader) {
  auto found = followed_.find(id);
  if (found == followed_.end()) {
    Hub* there = peers_[home];
    uint64_t head = co_await there->shard_.call(
        [there, id, me = shard_.index()] { return there->add_follower(id, me); });
    // The answer and the commits after it come through one queue, so none is missed and none comes before. Another reader may
    // have asked at the same time: the ring of whoever came first serves both.
    found = followed_.find(id);
    if (found == followed_.end()) {
      found = followed_
                  .emplace(id, std::make_unique<Followed>(id, head, bounds_.ring_bytes,
                                                          bounds_.ring_entries))
                  .first;
    }
    ++found->second->registrations;
  }
  found->second->readers.push_back(&reader);
  co_return found->second.get();
}

void Hub::leave(Followed& followed, unsigned home, Writer& reader) {
  auto& readers = followed.readers;
  auto place = std::ranges::find(readers, &reader);
  if (place != readers.end()) {
    *place = readers.back();
    readers.pop_back();
  }
  if (!readers.empty()) return;
  Hub* there = peers_[home];
  there->shard_.post(
      [there, id = followed.id, me = shard_.index(), registrations = followed.registrations] {
        there->remove_follower(id, me, registrations);
      });
  followed_.erase(followed.id);
}

uint64_t Hub::add_follower(storage::PartitionId id, unsigned shard) {
  // Registered before the head is read: a commit may then be told twice, which `deliver` passes over, but never not at all.
  auto& counts = followers_[id];
  if (counts.empty()) counts.resize(peers_.size());
  ++counts[shard];
  return storage::View(database_).head(id).seq();
}

void Hub::remove_follower(storage::PartitionId id, unsigned shard, unsigned registrations) {
  auto found = followers_.find(id);
  if (found == followers_.end()) return;
  found->second[shard] -= std::min(found->second[shard], registrations);
  if (std::ranges::all_of(found->second, [](unsigned n) { return n == 0; }))
    followers_.erase(found);
}

void Hub::publish(std::shared_ptr<const log::Published> published) {
  auto found = followers_.find(published->partition);
  if (found == followers_.end()) return;
  for (unsigned i = 0; i < found->second.size(); ++i) {
    if (found->second[i] == 0) continue;
    Hub* peer = peers_[i];
    if (peer == this) {
      deliver(*published);
    } else {
      peer->shard_.post([peer, published] { peer->deliver(*published); });
    }
  }
}

// Runs `function(Followed&)` on every shard that follows the stream.
template <class Function>
void Hub::tell_followers(storage::PartitionId id, Function function) {
  auto found = followers_.find(id);
  if (found == followers_.end()) return;
  auto run = [id, function](Hub& hub) {
    if (auto followed = hub.followed_.find(id); followed != hub.followed_.end()) {
      function(*followed->second);
      for (Writer* reader : followed->second->readers) reader->wake();
    }
  };
  for (unsigned i = 0; i < found->second.size(); ++i) {
    if (found->second[i] == 0) continue;
    Hub* peer = peers_[i];
    if (peer == this) {
      run(*this);
    } else {
      peer->shard_.post([peer, run] { run(*peer); });
    }
  }
}

void Hub::publish(storage::PartitionId id, PresenceNews news) {
  tell_followers(id, [news](Followed& followed) { followed.presence = news; });
}

void Hub::publish(storage::PartitionId id, uint64_t room, TypingNews news) {
  tell_followers(id, [room, news](Followed& followed) {
    followed.typing[room] = news;
    followed.typing_version = news.version;
  });
}

void Hub::publish(storage::PartitionId id, AuditNews news) {
  tell_followers(id, [news](Followed& followed) {
    if (news.size > followed.audit.size) followed.audit = news;
  });
}

void Hub::deliver(const log::Published& published) {
  auto found = followed_.find(published.partition);
  if (found == followed_.end()) return;
  Followed& followed = *found->second;
  const storage::EventRun& run = published.events;
  bool news = false;
  for (std::size_t i = 0; i < run.items.size(); ++i) {
    if (run.seq(i) != followed.ring.head() + 1) continue;
    followed.ring.append(run.framed(i), run.items[i].audience.roles, run.items[i].audience.account);
    news = true;
  }
  // After the appending: what was said and taken back in one commit is not told either.
  for (const auto& redacted : run.redacted) followed.ring.replace(redacted.seq, redacted.framed);
  if (!run.redacted.empty()) ++followed.redactions;
  if (!news) return;
  for (Writer* reader : followed.readers) reader->wake();
}

}  // namespace amicale::hub
