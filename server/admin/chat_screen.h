// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The terminal client without a terminal: keys and the SDK's happenings go in, effects (what to ask the server) and a grid
// of cells come out. No I/O, no clock of its own, no thread: tests compare its screens. chat_terminal shows the grids and
// reads the keys; chat_verb connects both to the SDK.
//
//   +-----------------+-------------------------------------------+
//   | Club            | # Room – topic               ● 12 present |   chat_draw.cc
//   |   # Annonces  3 | ── lundi 23 novembre ──                   |
//   |   # Le salon @1 | 14:05 Ada                              #7 |
//   | Conversations   |       ┃ Bob: what was answered            |
//   |   Bob         1 |       text                                |
//   |                 | Bob écrit…                                |
//   |                 | > what is being written                   |
//   +-----------------+-------------------------------------------+
#pragma once

#include <ctime>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "amicale/client/model.h"
#include "server/admin/composer.h"
#include "server/admin/phrases.h"
#include "server/admin/screen_grid.h"

namespace amicale::admin {

struct Key {
  enum class Code {
    text,
    enter,
    alt_enter,
    backspace,
    erase,
    left,
    right,
    up,
    down,
    home,
    end,
    page_up,
    page_down,
    word_left,
    word_right,
    alt_up,
    alt_down,
    tab,
    back_tab,
    escape,
    ctrl,
    alt,
    f1,
    f2,
    paste_begin,
    paste_end
  };
  Code code = Code::text;
  std::string text;  // text: one character; ctrl and alt: the letter, lower case
};

// What the screen wants done.
struct Ask {
  v1::ClientFrame request;
};
struct FollowStream {
  client::Stream stream;
};
struct Quit {};
struct Ring {};  // the terminal's bell: somebody means this person
using Effect = std::variant<Ask, FollowStream, Quit, Ring>;

// A room of a club, or a direct conversation (room_id 0).
struct Place {
  client::Stream stream;
  std::uint64_t room_id = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Of one club; what is beyond is found by name or number.
inline constexpr std::size_t kMembersLoaded = 5000;

class ChatScreen {
 public:
  struct Options {
    v1::Language language = v1::LANGUAGE_FR;
    std::string club;  // slug; opens this club, and this room of it
    std::string room;
    std::function<std::tm(std::int64_t unix_ms)> local_time;
    std::function<std::int64_t()> now_ms{};  // Unix milliseconds; absent = the system's clock
  };

  explicit ChatScreen(Options options);

  void on(const client::Happening& happening, client::Time now);
  void on(const Key& key, client::Time now);
  // The present screen. Asks for the history that it lacks, and marks as read what it shows.
  Grid draw(int rows, int columns, client::Time now);
  std::vector<Effect> take_effects();

  const client::Model& model() const { return model_; }
  std::optional<Place> current() const { return current_; }

 private:
  // --- Drawn lines (chat_draw.cc)
  struct Line {
    StyledLine glyphs;
    std::string right;      // set at the right edge
    std::uint64_t key = 0;  // message number; kNoMessage for what has none
    int lines_below = 0;    // of the same row
  };
  struct Anchor {
    std::uint64_t key = 0;  // the row at the bottom of the pane
    int hidden = 0;         // its last lines, below the pane
  };
  struct SystemLine {
    std::uint64_t seq = 0;
    std::vector<std::string> names;
    const Phrase* phrase = nullptr;  // one {}: the name, or several
    const Phrase* many = nullptr;    // {} names and {} others
    std::string extra;               // a second {}
  };
  static constexpr std::uint64_t kNoMessage = ~std::uint64_t{0};

  // --- Happenings (chat_screen.cc)
  void on_online(const client::Online& online);
  void on_answer(const client::Answered& answered, client::Time now);
  void on_refused(const client::Answered& answered, client::Time now);
  void on_events(const client::Batch& batch, client::Time now);  // before the model takes them
  void on_sanction(const v1::Sanction& sanction, client::Time now);
  void on_member_changed(std::uint64_t club_id, const v1::Event& event);
  void on_raid(std::uint64_t club_id, const v1::Event& event, client::Time now);
  void add_system_line(std::uint64_t club_id, SystemLine line);
  void follow(client::Stream stream);
  void load_members(std::uint64_t club_id);
  void choose_first_place();

  // --- Keys (chat_keys.cc)
  // Both: false when the key goes on to what is below.
  bool on_overlay_key(const Key& key);
  bool on_question_key(const Key& key);
  bool on_request_key(const Key& key);
  bool on_selection_key(const Key& key, client::Time now);
  void on_composer_key(const Key& key, client::Time now);
  void submit(client::Time now);
  void complete(bool backwards);
  std::vector<std::string> candidates(const std::string& word, std::size_t& replaces) const;
  void scroll(int lines);
  void select(int direction);
  void go(Place place);
  void go_beside(int step);
  void go_to_unread();

  // --- Commands (chat_commands.cc)
  void run_command(const std::string& line, client::Time now);
  void command_reply(const std::string& rest, client::Time now);
  void command_react(const std::string& rest, client::Time now);
  void command_edit(const std::string& rest, client::Time now);
  void command_delete(const std::string& rest, client::Time now);
  void command_pin(const std::string& rest, client::Time now);
  void command_restore(const std::string& rest, client::Time now);
  void command_freeze(const std::string& rest, client::Time now);
  void command_lock(const std::string& reason, client::Time now);
  void command_slow(const std::string& rest, client::Time now);
  void command_direct(const std::string& rest, client::Time now);
  void command_mute(const std::string& rest, client::Time now);
  void command_go(const std::string& rest, client::Time now);
  void command_sanction(v1::SanctionKind kind, const std::string& rest, client::Time now);
  void command_report(const std::string& rest, client::Time now);
  void command_reports(client::Time now);
  void command_held(client::Time now);
  void reject_shown(const std::string& reason);
  void command_review(bool release, const std::string& arguments, client::Time now);
  void command_claim(const std::string& rest, client::Time now);
  void command_close(const std::string& rest, client::Time now);
  void command_purge(const std::string& rest, client::Time now);
  void command_undo(const std::string& rest, client::Time now);
  void command_contest(const std::string& rest, client::Time now);
  void command_appeals(client::Time now);
  void command_decide(const std::string& rest, client::Time now);
  void command_behalf(const std::string& rest, client::Time now);
  void command_charter(const std::string& rest, client::Time now);
  void command_advise(const std::string& rest, client::Time now);
  void command_proposals(client::Time now);
  void command_second(bool confirm, const std::string& rest, client::Time now);
  void command_withdraw(const std::string& rest, client::Time now);
  void command_raid(const std::string& rest, client::Time now);
  void command_calm(const std::string& text, client::Time now);
  void command_sweep(const std::string& rest, client::Time now);
  // Asks what "since reason [text]" would take away; account 0: of all newcomers.
  void count_purge(std::uint64_t account_id, std::string rest, client::Time now);
  void command_lift(const std::string& rest, client::Time now);
  void command_sanctions(const std::string& rest, client::Time now);
  // The member whom `rest` begins with, taken off it: "@Ada Roy", "@Ada", "@Ada Roy (12)", "@12". Of several who are called so, the
  // author of the chosen message. Null: nobody, or it can't be told who.
  const v1::Member* take_member(std::string& rest) const;
  static std::string numbered(const v1::Member& member);  // "Ada Roy (12)"
  // As they are told apart: with their number where others bear the same name.
  std::string called(const v1::Member& member) const;
  void answer_direct(bool accept);
  void block_direct(bool unblock);
  void retry(client::Time now);
  void discard();
  void say_message(std::string body, client::Time now);
  v1::Mentions mentions_in(const std::string& body) const;
  // "12 rest", "#12 rest": the number and what follows it; 0 = none. The selected message, else the last that fits.
  std::uint64_t take_number(std::string& rest) const;
  // The same for a club's cases, which are named by number alone. 0: what is missing has been told.
  std::uint64_t take_case(std::string& rest, const Phrase& missing, client::Time now);
  std::uint64_t chosen_message(std::uint64_t number, bool own) const;
  const v1::Message* message(std::uint64_t number) const;

  // --- Drawing (chat_draw.cc)
  void draw_sidebar(Grid& grid, int width);
  void draw_header(Grid& grid, int left);
  void draw_timeline(Grid& grid, int top, int bottom, int left, client::Time now);
  void draw_composer(Grid& grid, int top, int left, client::Time now);
  void draw_overlay(Grid& grid);
  int banner(Grid& grid, int row, int left, client::Time now);
  StyledLine status_line(client::Time now) const;
  std::vector<std::vector<Glyph>> mode_lines() const;
  std::string said_instead() const;
  std::string until_text(const v1::Sanction& sanction) const;
  std::string time_text(std::int64_t unix_ms) const;
  std::string report_line(const v1::Report& report) const;
  std::string held_line(const v1::HeldMessage& held) const;
  // Both names of what took two, and for whom it was done.
  std::string doers(client::Stream stream, std::uint64_t by, std::uint64_t second,
                    const v1::OnBehalf* behalf) const;
  std::string sanction_line(const v1::Sanction& sanction) const;
  // What was said of a case, in time's order: who, and what.
  std::vector<std::string> appeal_lines(const v1::SanctionCase& one) const;
  std::string act_text(const v1::Proposal& proposal) const;
  std::string proposal_line(const v1::Proposal& proposal) const;
  std::int64_t now_ms() const;
  // Seconds between two messages of a member, by hand or since the room is busy; 0 = none.
  std::uint32_t slow_mode_s(const v1::Room& here) const;
  // Milliseconds before one may write here again, by the room's slow mode; 0 = at once.
  std::int64_t slow_wait_ms() const;
  std::vector<std::string> overlay_lines() const;
  // The last message of this place that was held, or refused with reasons; nothing when there is none.
  const client::Echo* judged_echo() const;
  // Lines from the bottom of the pane upwards, at least `count` where there are as many.
  std::vector<Line> lines_upwards(const std::optional<Anchor>& anchor, std::size_t count);
  std::vector<Line> lines_of(const std::vector<client::Row>& rows, std::size_t index);
  void add_system_lines(std::vector<Line>& out, std::uint64_t after_seq,
                        std::uint64_t before_seq) const;
  std::size_t row_of(const std::vector<client::Row>& rows, std::uint64_t key) const;
  void want_history(const client::Row::Missing& missing);
  void want_name(std::uint64_t account_id);
  void ask_names();
  void mark_read(client::Time now);

  // --- What is asked of the model
  template <typename... Args>
  std::string text(const Phrase& phrase, const Args&... args) const {
    return say(options_.language, phrase, args...);
  }
  std::vector<Place> places() const;  // in the order of the left pane
  std::string place_name(const Place& place) const;
  const client::Timeline* timeline() const;
  const v1::Room* room() const;
  const client::DirectState* direct() const;
  bool asked_of_me() const;  // the current direct conversation waits for this person's answer
  bool mentioned(const Place& place) const;
  std::string name(client::Stream stream, std::uint64_t account_id) const;
  std::uint64_t me() const { return model_.account().account_id; }

  void ask(v1::ClientFrame request) { effects_.push_back(Ask{std::move(request)}); }
  void tell(std::string text, client::Time now, bool is_error = false);

  Options options_;
  client::Model model_;
  std::vector<Effect> effects_;

  // The connection, as it is
  enum class Link { connecting, online, waiting, closed } link_ = Link::connecting;
  bool was_online_ = false;
  client::Time retry_at_{};
  std::string why_;

  std::set<client::Stream> followed_;
  std::optional<Place> current_;
  std::optional<Place> wanted_place_;   // a direct conversation that is being opened
  std::optional<Anchor> anchor_;        // absent: the newest message is at the bottom
  std::uint64_t selected_ = 0;          // message number
  std::uint64_t read_when_opened_ = 0;  // where the line "new" stands; kNoMessage = nowhere
  std::map<Place, std::string> drafts_;
  std::map<Place, std::uint64_t> marked_;      // read marks that were sent
  std::map<Place, std::uint64_t> mention_at_;  // the newest message that mentions this person
  std::set<std::pair<Place, std::uint64_t>> history_asked_;
  // Authors on the screen without a name, by club: asked for once, after the drawing.
  std::map<std::uint64_t, std::set<std::uint64_t>> names_wanted_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> names_asked_;  // club, account
  std::map<std::uint64_t, std::deque<SystemLine>> system_lines_;   // by club
  std::set<std::uint64_t> members_asked_;                          // clubs

  Composer composer_;
  std::uint64_t reply_to_ = 0;
  std::uint64_t editing_ = 0;
  bool pasting_ = false;
  struct Completion {
    std::vector<std::string> candidates;
    std::size_t at = 0;
    std::size_t length = 0;  // bytes that the present candidate takes before the cursor
  };
  std::optional<Completion> completion_;
  struct Question {
    std::string text;
    std::vector<Effect> on_yes;
    bool sends = false;  // the composer's text: emptied on yes
    std::string yes{};   // the letter that was typed for it; Enter is still to come
  };
  std::optional<Question> question_;
  std::optional<v1::ClientFrame> counted_post_;  // waits for its head count
  enum class Overlay {
    none,
    help,
    members,
    pins,
    sanctions,
    appeals,
    reports,
    held,
    proposals,
    charter,
    why
  } overlay_ = Overlay::none;
  int overlay_top_ = 0;
  std::vector<v1::SanctionCase> cases_;  // that the overlay shows
  std::vector<v1::Proposal> proposals_;  // that the overlay shows
  v1::Charter charter_;                  // that the overlay shows
  std::vector<v1::Report> reports_;      // … or these
  std::vector<v1::HeldMessage> held_;    // … or these
  std::uint64_t held_club_ = 0;          // where they wait
  // Club and number of the last one that was made here: what /undo alone means.
  std::pair<std::uint64_t, std::uint64_t> last_removal_;
  v1::RemoveMessages purge_;  // waits for what it would take away
  std::string notice_;
  bool notice_is_error_ = false;
  client::Time notice_until_{};
  client::Time typing_sent_{};
  client::Time last_key_{};
  bool sidebar_shown_ = true;

  // Of the last draw
  int pane_rows_ = 20;
  int pane_columns_ = 60;
  int screen_rows_ = 24;
};

// The commands' names in both languages, for completion, help and the test of parity.
struct CommandName {
  std::string_view fr;
  std::string_view en;
  Phrase arguments;
  const Phrase* about;
  bool committee = false;  // members below it have no use for it
};
std::span<const CommandName> chat_commands();

}  // namespace amicale::admin
