// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/domain/visibility.h"
#include "server/hub/hub.h"
#include "server/session/outgoing.h"
#include "storage/event_run.h"
#include "storage/partition.h"

namespace amicale::session {

// One stream that a session follows: a cursor, and who reads. Live push, catching up and resuming are the same walk from the
// cursor; only where the bytes come from differs: the ring, or a page of the log when the ring has let go of them.
class Subscription {
 public:
  // `after` is the last seq that the client holds. `reader.role_now` is true as of `now_seq`.
  // `replay_to` is what the answer to Subscribe promised: the batch that passes it is always sent.
  Subscription(hub::Followed& followed, unsigned home, uint64_t after, domain::Reader reader,
               uint64_t now_seq, bool site_staff, uint64_t replay_to);

  enum class Need {
    nothing,  // at the head
    writing,  // something was added to the message, there may be more
    page,     // the ring has let go of what comes next: give a page from cursor() + 1
  };

  // Adds one StreamBatch of at most about `budget` bytes to `out`.
  Need gather(Outgoing& out, std::size_t budget);

  // A page of the log from cursor() + 1, with the reader's role as of `now_seq`.
  void give(std::shared_ptr<const storage::EventRun> page, v1::ClubRole role_now, uint64_t now_seq);

  // The site role changed: the reader is judged anew from here on. A reader without a role is at the end.
  void set_reader(v1::ClubRole role, bool site_staff);

  storage::PartitionId id() const { return followed_.id; }
  hub::Followed& followed() { return followed_; }
  unsigned home() const { return home_; }
  uint64_t cursor() const { return cursor_; }
  uint64_t head() const { return followed_.ring.head(); }
  // Whether `gather` would find anything to pass.
  bool has_news() const {
    return !ended_ && (ending_ || page_ != nullptr || cursor_ < followed_.ring.head());
  }
  // A head of the provable log that was not sent yet.
  bool has_audit_news() const { return followed_.audit.size > audit_seen; }
  // The reader may not follow any more, and has been told.
  bool ended() const { return ended_; }
  v1::ClubRole role() const { return reader_.role_then; }
  uint64_t serial = 0;    // of the session's subscriptions: a page for one is not given to another
  bool fetching = false;  // a page is on its way
  bool behind = false;    // counted as fed from the log
  uint64_t presence_seen = 0;  // versions, as in hub::PresenceNews and hub::TypingNews
  uint64_t typing_seen = 0;
  uint64_t audit_seen = 0;  // records in the last head of the provable log that was sent

 private:
  struct Run {
    const char* data;
    std::size_t size;
    std::shared_ptr<const hub::Ring::Slab> slab;
  };
  bool pass(uint64_t seq, std::string_view framed, uint16_t roles, uint64_t account);
  void finish(Outgoing& out, const std::vector<Run>& runs, std::size_t bytes, std::size_t events);

  hub::Followed& followed_;
  const unsigned home_;
  std::string stream_field_;  // StreamBatch.stream, serialised
  uint64_t cursor_;           // passed, whether the reader got it or not
  uint64_t
      told_;  // through_seq of the last batch: runs of hidden events are told with the next visible one
  uint64_t replay_to_;
  domain::Reader reader_;
  uint64_t now_seq_;
  bool site_staff_;
  bool ending_ = false;  // say so in the next batch
  bool ended_ = false;
  std::shared_ptr<const storage::EventRun> page_;
  std::size_t page_next_ = 0;
  uint64_t page_as_of_ = 0;  // hub::Followed::redactions when the page was asked for
};

}  // namespace amicale::session
