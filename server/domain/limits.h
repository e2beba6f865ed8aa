// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Every bound that the server puts on what others can make it do, with its reason. A bound that a
// client can meet is also served in HelloReply by served_limits(). Units are in the names; "bytes"
// of text are bytes of UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>

#include "amicale/v1/session.pb.h"

namespace amicale::domain::limits {

// --- Frames ---
// Four of the largest messages: no request needs more.
inline constexpr std::uint32_t frame_bytes = 64 * 1024;
// One gathered write; a phone can hold it while parsing.
inline constexpr std::uint32_t server_frame_bytes = 1024 * 1024;
inline constexpr std::uint32_t nesting = 32;  // protobuf and JSON depth; ours is below 8
// POST /v1/call carries one frame as JSON, where base64 and escapes swell it.
inline constexpr std::uint32_t http_body_bytes = 256 * 1024;
// No browser sends more to a site without cookies.
inline constexpr std::uint32_t http_header_bytes = 8 * 1024;

// --- Text ---
// A long letter; keeps a page of history in one frame.
inline constexpr std::uint32_t message_bytes = 16 * 1024;
inline constexpr std::uint32_t name_bytes = 96;            // 32 characters of three bytes
inline constexpr std::uint32_t name_characters = 32;       // a name fits on one line of a phone
inline constexpr std::uint32_t club_name_characters = 64;  // official names of clubs are long
// A paragraph: purpose, topic, introduction, reason.
inline constexpr std::uint32_t purpose_bytes = 1024;
inline constexpr std::uint32_t note_bytes = 256;         // a line beside an invitation
inline constexpr std::uint32_t slug_bytes = 40;          // part of a URL that people type
inline constexpr std::uint32_t emoji_bytes = 32;         // the longest family emoji has 25
inline constexpr std::uint32_t login_min_bytes = 3;      // shorter ones are squatted and mistyped
inline constexpr std::uint32_t login_bytes = 32;         // [a-z0-9._-]
inline constexpr std::uint32_t password_min_bytes = 10;  // Discourse's number; length is what helps
inline constexpr std::uint32_t password_max_bytes = 256;  // above, hashing is work for nothing
inline constexpr std::uint32_t device_name_bytes = 64;    // "Firefox on Linux"
inline constexpr std::uint32_t client_name_bytes = 64;    // "amicale-cpp/0.1"
inline constexpr std::uint32_t external_id_bytes = 128;   // a key of an alumni database
inline constexpr std::uint32_t client_msg_id_bytes = 16;  // a random UUID's worth
inline constexpr std::uint32_t token_bytes = 32;          // 256 bits from the system's generator
// What is sent as a code; ours have 22 characters.
inline constexpr std::uint32_t invitation_code_bytes = 64;

// --- What one thing may hold ---
// Distinct emoji; more is noise and a way to grow a row.
inline constexpr std::uint32_t reactions_per_message = 20;
inline constexpr std::uint32_t mentions_per_message = 50;  // above, @committee or @all says it
inline constexpr std::uint32_t pins_per_room = 50;         // a pin list that is read
inline constexpr std::uint32_t rooms_per_club = 100;       // the room list is in every snapshot
// A community of practice stops working above.
inline constexpr std::uint32_t club_capacity = 1'000;
// Absolute; only site staff may go above club_capacity.
inline constexpr std::uint32_t members_per_club = 100'000;
// The list of clubs stays readable by one scan.
inline constexpr std::uint32_t clubs_per_site = 100'000;
// Two account ids make a direct id of 64 bits.
inline constexpr std::uint64_t accounts_per_site = 0xffff'fffe;
// Conversations that a member has asked for and that nobody has answered: whoever writes to more people at once sends the
// same to all of them. About: requests under way at the same time do not see each other.
inline constexpr std::uint32_t direct_requests = 10;
inline constexpr std::uint32_t devices_per_account = 20;  // the oldest gives way to a new one
inline constexpr std::uint32_t site_staff = 1'000;        // the list is kept in memory

// --- Pages and batches ---
// Three screens; the frame's size may end it sooner.
inline constexpr std::uint32_t history_page = 200;
inline constexpr std::uint32_t members_page = 500;  // two pages for a full club
// Records of the provable log in one answer, each with a path of at most 40 hashes.
inline constexpr std::uint32_t audit_page = 200;
// One commit stays short; a frame's size may end it sooner.
inline constexpr std::uint32_t import_batch = 200;

// --- One connection, one account, one address ---
// All of a person's clubs and talks; a cursor each.
inline constexpr std::uint32_t subscriptions = 64;
inline constexpr std::uint32_t requests_in_flight = 32;  // more are left in the socket
// A fast client with typing and read marks uses 5.
inline constexpr std::uint32_t requests_per_second = 50;
// Opening the client asks for everything at once.
inline constexpr std::uint32_t request_burst = 200;
// Nobody types faster; a pasted log is an import.
inline constexpr std::uint32_t posts_per_10s = 30;
inline constexpr std::uint32_t post_window_ms = 10'000;
// Signals never crowd out events.
inline constexpr std::uint32_t signal_bytes_per_second = 16 * 1024;
inline constexpr std::uint32_t sockets_per_account = 32;  // every device with a few tabs
inline constexpr std::uint32_t sockets_per_address = 64;  // a class behind one address
// Half-open ones are what a flood is made of.
inline constexpr std::uint32_t sockets_per_address_unauthenticated = 16;
// Refusals in a row by RATE_LIMITED before ABUSE closes.
inline constexpr std::uint32_t rate_limit_strikes = 500;

// --- Time ---
// TLS and the upgrade; a slow-loris holds a socket no longer.
inline constexpr std::uint32_t handshake_ms = 5'000;
inline constexpr std::uint32_t hurried_handshake_ms =
    1'000;  // the same once half of all connections are taken: a flood makes room sooner
inline constexpr std::uint32_t authenticate_ms = 10'000;  // from the upgrade to a good Authenticate
inline constexpr std::uint32_t heartbeat_ms = 30'000;  // below the idle time-outs of usual proxies
inline constexpr std::uint32_t dead_ms = 75'000;       // two heartbeats lost and half of a third
// A reader that takes no byte for so long is cut, and resumes.
inline constexpr std::uint32_t no_progress_ms = 60'000;
// Between two requests of one HTTP connection.
inline constexpr std::uint32_t http_keep_alive_ms = 15'000;
inline constexpr std::uint32_t http_body_ms = 30'000;  // the largest body of a call at 100 kbit/s
inline constexpr std::uint32_t drain_ms = 5'000;       // SIGTERM to exit
inline constexpr std::uint32_t typing_ms = 6'000;      // lapses unless repeated
// Jittered hint: spreads a herd of 1,000 over seconds.
inline constexpr std::uint32_t reconnect_min_ms = 500;
inline constexpr std::uint32_t reconnect_max_ms = 5'000;

// --- Entry ---
inline constexpr std::uint32_t login_tries_per_account = 10;  // in login_window_ms
inline constexpr std::uint32_t login_window_ms = 15 * 60 * 1000;
inline constexpr std::uint32_t login_tries_per_address_per_hour = 30;  // Discourse's number
// OWASP's floor for argon2id with t=2: 20 ms of a core.
inline constexpr std::uint32_t argon2_memory_kib = 19 * 1024;
inline constexpr std::uint32_t argon2_passes = 2;
inline constexpr std::uint32_t argon2_lanes = 1;
inline constexpr std::uint32_t password_threads = 2;  // a login flood never takes the chat's cores
// 64 x 20 ms / 2 threads: under a second; then OVERLOADED.
inline constexpr std::uint32_t password_queue = 64;
inline constexpr std::uint32_t invitation_uses = 1'000;      // a whole club by one link
inline constexpr std::uint32_t member_invitation_uses = 10;  // by members below the committee
inline constexpr std::uint32_t invitation_hours = 90 * 24;   // longest life
inline constexpr std::uint32_t invitation_default_hours = 30 * 24;

// --- Moderation ---
// Shorter ones are over before they are read.
inline constexpr std::uint32_t sanction_min_s = 60;
// Discord's number: who must be silent for longer is suspended.
inline constexpr std::uint32_t mute_max_s = 28 * 86'400;
inline constexpr std::uint32_t suspension_max_s = 366 * 86'400;
inline constexpr std::uint32_t ban_max_s = 10 * 366 * 86'400;
// On one member in one club: the club, and a few rooms. The gate looks at each.
inline constexpr std::uint32_t sanctions_standing = 16;
inline constexpr std::uint32_t evidence_messages = 10;  // enough to see; they are kept for ever
inline constexpr std::uint32_t sanctions_page =
    100;  // with their evidence; a frame may end it sooner

inline constexpr std::uint32_t slow_mode_max_s = 21'600;  // Discord's number: four messages a day
// A screen or two of flood; one commit stays short.
inline constexpr std::uint32_t removal_batch = 200;
// What is looked through for one person's messages: a busy day of a busy club.
inline constexpr std::uint32_t removal_scan = 20'000;
// A committee that has more before it is helped by staff, not by more.
inline constexpr std::uint32_t open_reports = 1'000;
inline constexpr std::uint32_t open_reports_of_one = 20;  // one member can't bury the queue
inline constexpr std::uint32_t report_texts = 10;  // kept of those who told, and of what it became
inline constexpr std::uint32_t report_claim_ms = 30 * 60 * 1'000;
inline constexpr std::int64_t report_due_ms = 48ll * 3'600 * 1'000;  // Discourse's number
inline constexpr std::uint32_t appeal_lines = 50;  // a conversation, not a correspondence
inline constexpr std::int64_t appeal_due_ms =
    7ll * 86'400 * 1'000;  // a committee that meets weekly
// After what is over already: a warning or a kick is contested within a month or not at all.
inline constexpr std::int64_t appeal_after_ms = 30ll * 86'400 * 1'000;
// What takes two is answered while both remember why: the time that an appeal has.
inline constexpr std::int64_t proposal_ms = 7ll * 86'400 * 1'000;
inline constexpr std::uint32_t open_proposals = 50;  // a list that a second member still reads
// A charter is read whole before it is accepted: a page or two.
inline constexpr std::uint32_t charter_rules = 30;
inline constexpr std::uint32_t charter_sentence_bytes = 400;  // one sentence, in each language
inline constexpr std::uint32_t charter_detectors = 32;        // of one rule
inline constexpr std::uint32_t detector_bytes = 64;           // "spam.links"
inline constexpr std::uint32_t ladder_steps = 8;              // more is no ladder but a habit
// What was so long ago no longer counts for the next step.
inline constexpr std::int64_t ladder_memory_ms = 365ll * 86'400 * 1'000;
// --- Rooms under load ---
// Above as many messages in ten seconds as two members may say, by so many members: nobody reads along any more.
inline constexpr std::uint32_t busy_room_members = 2;
inline constexpr std::uint32_t busy_room_authors = 8;
// Messages kept of the last ten seconds, 16 bytes each. A server that allows more at once does not slow rooms down.
inline constexpr std::uint32_t busy_room_kept = 512;
inline constexpr std::uint32_t auto_slow_s =
    15;  // a sentence can be read between two of the same person
inline constexpr std::int64_t auto_slow_ms = 5 * 60 * 1'000;  // what is exciting is said by then
// After somebody ended it, it does not begin by itself again.
inline constexpr std::int64_t auto_slow_quiet_ms = 15 * 60 * 1'000;

// --- Raids ---
// Arrivals by a link in one minute that are still no raid; above, and above so many times the usual, they are one.
inline constexpr std::uint32_t raid_joins_per_minute = 10;
inline constexpr std::uint32_t raid_times_usual = 5;
// What is usual is a mean of the hour before: a club's evening is long over by then.
inline constexpr std::uint32_t raid_usual_minutes = 60;
// Arrivals kept for it, 16 bytes each: more in an hour are a raid whatever is usual.
inline constexpr std::size_t raid_arrivals_kept = 4'096;
// As many posts alike by so many accounts that are so new, in one minute: nobody greets in chorus.
inline constexpr std::uint32_t raid_similar_posts = 10;
inline constexpr std::uint32_t raid_similar_authors = 5;
inline constexpr std::int64_t raid_similar_ms = 60'000;
inline constexpr std::int64_t raid_young_ms = 3'600'000;
// Shorter texts are alike by chance: "bonjour à tous" is said by everybody who comes.
inline constexpr std::uint32_t raid_similar_letters = 24;
// Posts of new accounts kept for it, 24 bytes each; a reader of 1,000 posts in a minute has other troubles.
inline constexpr std::size_t raid_posts_kept = 1'024;
// Of the log's end, looked at when a club is loaded that was written to in the last minute.
inline constexpr std::uint32_t watch_tail_entries = 20'000;
// Who came less than so long before is held back too: raiders come before they speak.
inline constexpr std::int64_t newcomer_ms = 86'400'000;
inline constexpr std::uint32_t raid_default_s = 30 * 60;  // a volunteer has seen it by then
inline constexpr std::uint32_t raid_min_s = 5 * 60;  // shorter ones are over before they are read
inline constexpr std::uint32_t raid_max_s =
    86'400;  // Discord's number; prolonged by a person alone
// After somebody ended it, it does not begin by itself again: they have looked, the server has not.
inline constexpr std::int64_t raid_quiet_ms = 30 * 60 * 1'000;
// So long after its end, its newcomers are still those whose messages are cleared away together.
inline constexpr std::int64_t raid_aftermath_ms = 86'400'000;
// Looked at when a club with a slow room is loaded: in six hours a slow room has no more.
inline constexpr std::uint32_t slow_mode_messages = 20'000;

// --- Anti-spam ---
// A rules file: ten thousand words, each a rule of its own.
inline constexpr std::uint32_t antispam_rules_bytes = 1024 * 1024;
inline constexpr std::uint32_t antispam_rules = 10'000;  // each with its own sentence, if need be
inline constexpr std::uint32_t antispam_words = 10'000;  // words and hosts together
// Letters of all words: each may cost 152 bytes of table, 20 MiB together.
inline constexpr std::uint32_t antispam_words_bytes = 128 * 1024;
inline constexpr std::uint32_t antispam_word_bytes = 96;      // a phrase
inline constexpr std::uint32_t antispam_pattern_bytes = 260;  // Discord's number
// RE2 instructions of one pattern, and of all of a club: any of them on any text ends in 5 ms.
inline constexpr std::uint32_t antispam_pattern_program = 120;
inline constexpr std::uint32_t antispam_patterns_program = 2'000;
inline constexpr std::uint32_t antispam_pattern_memory = 1024 * 1024;  // of one pattern's automaton
inline constexpr std::uint32_t antispam_patterns_memory = 8 * 1024 * 1024;  // of all of a club
// Bytes that patterns look at: a long letter's beginning is enough to know it by.
inline constexpr std::uint32_t antispam_pattern_text = 16 * 1024;
inline constexpr std::uint32_t antispam_protected = 100;  // hosts and names that others may not ape
inline constexpr std::uint32_t antispam_links = 64;       // looked at in one message; 5 are a crowd
// Recent texts that a new one is compared with: ten minutes of a lively club; 90 KiB.
inline constexpr std::uint32_t antispam_texts = 1'024;
// Entries of the last hours that are folded again at loading: 50 ms of work.
inline constexpr std::uint32_t antispam_entries = 20'000;
// Recent texts of the whole site, to find what is said in several clubs; 400 KiB.
inline constexpr std::uint32_t antispam_site_texts = 4'096;
// Members of a club whose names were compared with the officers'; 64 KiB.
inline constexpr std::uint32_t antispam_names = 4'096;
// Held messages that one request goes through to find those that it may show: some milliseconds.
inline constexpr std::uint32_t held_looked_at = 2'000;
inline constexpr std::uint32_t antispam_findings = 8;  // reasons that an author is told at once

// --- Inside ---
inline constexpr std::size_t unsent_reply_bytes =
    256 * 1024;  // replies that a peer does not read: then it is not read
inline constexpr std::size_t throttle_entries = 20'000;  // logins and addresses watched; a few MiB
// Commands waiting for one partition; then OVERLOADED.
inline constexpr std::uint32_t partition_queue = 1'024;
inline constexpr std::uint32_t partition_turn = 256;  // commands decided into one commit
// A partition with at least this many commands under way waits for its crowd, this long at most: see Partition::gather.
inline constexpr std::uint32_t gather_crowd = 8;
inline constexpr std::int64_t gather_us = 2'000;  // far below what a person notices
// Of events in one commit: a turn ends early above it.
inline constexpr std::uint32_t commit_bytes = 1024 * 1024;
inline constexpr std::uint32_t ring_events = 1'024;  // recent events kept per followed partition
inline constexpr std::uint32_t ring_bytes = 512 * 1024;  // and their bytes, whichever comes first
// Unfollowed partitions kept loaded per shard.
inline constexpr std::uint32_t partitions_idle = 1'024;
// One read of the log for a session that is behind.
inline constexpr std::uint32_t behind_read_bytes = 256 * 1024;
inline constexpr std::uint32_t presence_list = 100;  // above, a count and a sample
inline constexpr std::uint32_t presence_sample = 20;
inline constexpr std::uint32_t typing_list = 3;  // names shown; the rest is a number
// Room for RocksDB to flush and compact.
inline constexpr std::uint64_t free_space_floor_bytes = 256ull * 1024 * 1024;
// Released to open a store on a full disk.
inline constexpr std::uint64_t ballast_bytes = 64ull * 1024 * 1024;

}  // namespace amicale::domain::limits

namespace amicale::domain {

// The bounds that a client can meet, as served in HelloReply.
v1::Limits served_limits();

}  // namespace amicale::domain
