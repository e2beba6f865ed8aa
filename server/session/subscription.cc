// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/subscription.h"

#include <google/protobuf/io/coded_stream.h>

#include "amicale/v1/frame.pb.h"
#include "storage/entry.h"
#include "storage/field.h"

namespace amicale::session {
namespace {

constexpr uint8_t after_tag = v1::StreamBatch::kAfterSeqFieldNumber << 3;
constexpr uint8_t through_tag = v1::StreamBatch::kThroughSeqFieldNumber << 3;
// The client is told of events that are not for it at least this often, so that its cursor stays near the head.
constexpr uint64_t most_untold = 256;

constexpr uint8_t ended_tag = v1::StreamBatch::kEndedFieldNumber << 3;

}  // namespace

Subscription::Subscription(hub::Followed& followed, unsigned home, uint64_t after,
                           domain::Reader reader, uint64_t now_seq, bool site_staff,
                           uint64_t replay_to)
    : followed_(followed),
      home_(home),
      cursor_(after),
      told_(after),
      replay_to_(replay_to),
      reader_(reader),
      now_seq_(now_seq),
      site_staff_(site_staff) {
  v1::StreamBatch only_stream;
  *only_stream.mutable_stream() = storage::stream_of(followed.id);
  stream_field_ = only_stream.SerializeAsString();
}

// Decides about one event and moves the cursor over it. Answers whether the reader gets it.
bool Subscription::pass(uint64_t seq, std::string_view framed, uint16_t roles, uint64_t account) {
  cursor_ = seq;
  const bool addressed = account != 0 && account == reader_.account_id;
  if (addressed && !site_staff_ && followed_.id.kind == v1::STREAM_KIND_CLUB) {
    // The only events that change what this reader may see: rare, so they are parsed here rather than carried as a tag.
    v1::Event event;
    if (auto bytes = storage::unframe_event(framed);
        bytes && event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) &&
        event.has_member_changed() && event.member_changed().member().account_id() == account) {
      const auto& member = event.member_changed().member();
      reader_.role_then = domain::reading_role(v1::SITE_ROLE_NONE, member.role(), member.status());
      if (seq > now_seq_) {
        reader_.role_now = reader_.role_then;
        now_seq_ = seq;
      }
      // Only a departure that still holds ends the stream: a member who left and came back reads on.
      if (reader_.role_now == v1::CLUB_ROLE_UNSPECIFIED) ending_ = true;
    }
  }
  return domain::visible({roles, account}, reader_);
}

Subscription::Need Subscription::gather(Outgoing& out, std::size_t budget) {
  if (ended_) return Need::nothing;
  // Reused by every session of this shard: gather never waits.
  static thread_local std::vector<Run> runs;
  runs.clear();
  std::size_t bytes = 0;
  std::size_t events = 0;
  auto add = [&](const char* data, std::size_t size,
                 const std::shared_ptr<const hub::Ring::Slab>& slab) {
    if (!runs.empty() && runs.back().data + runs.back().size == data) {
      runs.back().size += size;
    } else {
      runs.push_back({data, size, slab});
    }
    bytes += size;
    ++events;
  };

  // Words may have been deleted since the page was read; reading it again is rare, and simpler than looking whether they are in it.
  if (page_ && page_as_of_ != followed_.redactions) page_ = nullptr;
  if (page_ && !ending_) {
    while (page_next_ < page_->items.size() && bytes < budget && !ending_) {
      const std::size_t i = page_next_++;
      if (page_->seq(i) <= cursor_) continue;
      std::string_view framed = page_->framed(i);
      const auto& audience = page_->items[i].audience;
      if (pass(page_->seq(i), framed, audience.roles, audience.account)) {
        add(framed.data(), framed.size(), nullptr);
      }
    }
    out.keep(page_);
    if (page_next_ >= page_->items.size()) page_ = nullptr;
  } else if (!ending_) {
    const hub::Ring& ring = followed_.ring;
    if (cursor_ >= ring.head()) return Need::nothing;
    if (!ring.covers(cursor_)) {
      page_as_of_ = followed_.redactions;
      return Need::page;
    }
    while (cursor_ < ring.head() && bytes < budget && !ending_) {
      const auto& entry = ring.at(cursor_ + 1);
      std::string_view framed(entry.data, entry.size);
      if (pass(cursor_ + 1, framed, entry.roles, entry.account))
        add(entry.data, entry.size, entry.slab);
    }
  }
  // In the ring and with nothing to see, the news can wait for the next batch.
  const bool silent = events == 0 && !ending_ && cursor_ - told_ < most_untold &&
                      !(told_ < replay_to_ && cursor_ >= replay_to_);
  if (!silent) finish(out, runs, bytes, events);
  runs.clear();
  return silent && cursor_ >= followed_.ring.head() ? Need::nothing : Need::writing;
}

void Subscription::finish(Outgoing& out, const std::vector<Run>& runs, std::size_t bytes,
                          std::size_t events) {
  std::string body = stream_field_;
  body += static_cast<char>(after_tag);
  storage::append_varint(body, told_);
  body += static_cast<char>(through_tag);
  storage::append_varint(body, cursor_);
  if (ending_) {
    body += static_cast<char>(ended_tag);
    body += '\1';
    ended_ = true;
  }
  std::string header;
  storage::append_field_head(header, v1::ServerFrame::kBatchesFieldNumber, body.size() + bytes);
  out.add(header);
  out.add(body);
  for (const Run& run : runs) out.add(run.data, run.size, run.slab);
  out.events += events;
  told_ = cursor_;
}

void Subscription::give(std::shared_ptr<const storage::EventRun> page, v1::ClubRole role_now,
                        uint64_t now_seq) {
  page_ = std::move(page);
  page_next_ = 0;
  if (now_seq > now_seq_) {
    reader_.role_now = role_now;
    now_seq_ = now_seq;
  }
}

void Subscription::set_reader(v1::ClubRole role, bool site_staff) {
  site_staff_ = site_staff;
  reader_.role_then = reader_.role_now = role;
  if (role == v1::CLUB_ROLE_UNSPECIFIED) ending_ = true;
}

}  // namespace amicale::session
