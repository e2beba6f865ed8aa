// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The chat screen as cells.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "server/admin/charter_file.h"
#include "server/admin/chat_screen.h"
#include "server/admin/failure_text.h"
#include "server/admin/vocabulary.h"
#include "server/admin/why_card.h"
#include "server/domain/limits.h"

namespace amicale::admin {
namespace {

using namespace std::chrono_literals;

// Of the 256-colour palette; legible on dark and on light grounds.
constexpr short kAuthors[] = {33, 35, 37, 64, 96, 125, 130, 136, 161, 166, 172, 68, 72, 134};
constexpr short kAccent = 33;
constexpr short kWarning = 166;
constexpr short kError = 160;
constexpr short kMention = 172;
constexpr short kQuiet = 244;

constexpr int kTextColumn = 6;  // "14:05 "
constexpr std::int64_t kSameBreath =
    5 * 60 * 1000;  // messages of one author within this share a heading
constexpr std::uint32_t kHistoryPage = 100;
constexpr auto kReadsFor = 2min;  // after the last key, somebody is taken to be looking

Style quiet() { return {.colour = kQuiet}; }

std::string day_name(const std::tm& day, v1::Language language) {
  static constexpr std::string_view kDays[2][7] = {
      {"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
      {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}};
  static constexpr std::string_view kMonths[2][12] = {
      {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
       "octobre", "novembre", "décembre"},
      {"January", "February", "March", "April", "May", "June", "July", "August", "September",
       "October", "November", "December"}};
  const bool english = language == v1::LANGUAGE_EN;
  const auto weekday = kDays[english][static_cast<std::size_t>(day.tm_wday) % 7];
  const auto month = kMonths[english][static_cast<std::size_t>(day.tm_mon) % 12];
  const std::string number = !english && day.tm_mday == 1 ? "1er" : std::to_string(day.tm_mday);
  return fmt::format("{} {} {} {}", weekday, number, month, day.tm_year + 1900);
}

bool same_day(const std::tm& one, const std::tm& other) {
  return one.tm_year == other.tm_year && one.tm_yday == other.tm_yday;
}

StyledLine rule(std::string_view label, int columns, Style style) {
  StyledLine line;
  add(line, "── ", style);
  add(line, label, style);
  add(line, " ", style);
  while (columns_of(line) < columns) add(line, "─", style);
  return line;
}

// One line of markdown as it is said: **strong**, *stressed*, `code`, links and @mentions stand out. Marks without a
// partner are shown as they are.
StyledLine styled(std::string_view text, Style base) {
  StyledLine out;
  Style now = base;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const auto toggled = [&](std::string_view mark, bool Style::* member) {
      const bool open = now.*member != base.*member;
      const bool can_open = rest.size() > mark.size() && rest[mark.size()] != ' ' &&
                            rest.find(mark, mark.size() + 1) != std::string_view::npos;
      if (!rest.starts_with(mark) || (!open && !can_open)) return false;
      now.*member = !(now.*member);
      at += mark.size();
      return true;
    };
    if (toggled("**", &Style::bold) || toggled("*", &Style::italic)) continue;
    if (rest.starts_with('`')) {
      const std::size_t close = rest.find('`', 1);
      if (close != std::string_view::npos && close > 1) {
        Style code = now;
        code.colour = 136;
        add(out, rest.substr(1, close - 1), code);
        at += close + 1;
        continue;
      }
    }
    if (rest.starts_with("https://") || rest.starts_with("http://")) {
      const std::size_t end = std::min(rest.find_first_of(" )>\"'\n"), rest.size());
      Style link = now;
      link.underline = true;
      add(out, rest.substr(0, end), link);
      at += end;
      continue;
    }
    std::size_t end = 1;
    while (end < rest.size() && std::string_view("*`h").find(rest[end]) == std::string_view::npos)
      ++end;
    add(out, rest.substr(0, end), now);
    at += end;
  }
  return out;
}

}  // namespace

// --- The timeline's lines

void ChatScreen::want_history(const client::Row::Missing& missing) {
  if (!current_ || link_ != Link::online) return;
  if (!history_asked_.insert({*current_, missing.to}).second) return;
  v1::ClientFrame frame;
  auto& request = *frame.mutable_get_history();
  *request.mutable_stream() = current_->stream.proto();
  request.set_room_id(current_->room_id);
  request.set_around(missing.to);
  request.set_before(kHistoryPage);
  ask(std::move(frame));
}

// An author whom the list of members does not know: somebody who left, or staff.
void ChatScreen::want_name(std::uint64_t account_id) {
  if (account_id == 0 || current_->stream.kind != v1::STREAM_KIND_CLUB) return;
  names_wanted_[current_->stream.id].insert(account_id);
}

void ChatScreen::ask_names() {
  if (link_ != Link::online) return;
  for (const auto& [club_id, accounts] : std::exchange(names_wanted_, {})) {
    const client::ClubState* club = model_.club(club_id);
    // While the list is still being read, the name may yet come with it.
    if (!club || (club->members_after != 0 && club->members.size() < kMembersLoaded)) continue;
    v1::ClientFrame frame;
    frame.mutable_look_up_names()->set_club_id(club_id);
    for (const std::uint64_t account : accounts) {
      if (frame.look_up_names().account_ids_size() <
              static_cast<int>(domain::limits::members_page) &&
          names_asked_.insert({club_id, account}).second)
        frame.mutable_look_up_names()->add_account_ids(account);
    }
    if (frame.look_up_names().account_ids_size() > 0) ask(std::move(frame));
  }
}

std::size_t ChatScreen::row_of(const std::vector<client::Row>& rows, std::uint64_t key) const {
  const auto first_after = std::ranges::find_if(rows, [&](const client::Row& row) {
    return row.echo || (row.message ? row.message->number() : row.missing->to) >= key;
  });
  if (first_after == rows.end()) return rows.empty() ? 0 : rows.size() - 1;
  return static_cast<std::size_t>(first_after - rows.begin());
}

void ChatScreen::add_system_lines(std::vector<Line>& out, std::uint64_t after_seq,
                                  std::uint64_t before_seq) const {
  if (current_->stream.kind != v1::STREAM_KIND_CLUB) return;
  const auto found = system_lines_.find(current_->stream.id);
  if (found == system_lines_.end()) return;
  for (const SystemLine& system : found->second) {
    if (system.seq <= after_seq || system.seq >= before_seq) continue;
    std::string said;
    if (system.names.size() == 1) {
      said = fmt::format(fmt::runtime(system.phrase->in(options_.language)), system.names[0],
                         system.extra);
    } else {
      const std::size_t shown = std::min<std::size_t>(system.names.size() - 1, 3);
      std::string names;
      for (std::size_t i = 0; i < shown; ++i) names += (i ? ", " : "") + system.names[i];
      said = text(*system.many, names, system.names.size() - shown);
    }
    StyledLine line;
    add(line, "· " + said, {.colour = kQuiet, .italic = true});
    for (auto& piece : break_line(line, std::max(8, pane_columns_ - kTextColumn))) {
      Line& shown = out.emplace_back();
      shown.key = kNoMessage;
      add(shown.glyphs, std::string(kTextColumn, ' '));
      std::ranges::move(piece, std::back_inserter(shown.glyphs));
    }
  }
}

std::vector<ChatScreen::Line> ChatScreen::lines_of(const std::vector<client::Row>& rows,
                                                   std::size_t index) {
  std::vector<Line> out;
  const client::Row& row = rows[index];
  if (row.missing) {
    Line line;
    line.key = row.missing->to;
    add(line.glyphs,
        fit_to("", kTextColumn) +
            text(phrase::chat_earlier, row.missing->to - row.missing->from + 1),
        quiet());
    out.push_back(std::move(line));
    return out;
  }
  const client::Stream stream = current_->stream;
  const v1::Message* said = row.message;
  const v1::Message* before = index > 0 ? rows[index - 1].message : nullptr;
  const std::int64_t time_ms = said ? said->time_ms() : row.echo->time_ms;
  const std::tm time = options_.local_time(time_ms);
  const std::uint64_t key = said ? said->number() : kNoMessage;
  const auto heading = [&](StyledLine glyphs) { out.push_back({std::move(glyphs), {}, key, 0}); };

  add_system_lines(out,
                   before       ? before->seq()
                   : index == 0 ? 0
                   : said       ? said->seq()
                                : kNoMessage,
                   said ? said->seq() : kNoMessage);
  const bool after_system = !out.empty();
  for (Line& line : out) line.key = key;

  bool own_heading = after_system || !before;
  if (!before || !same_day(options_.local_time(before->time_ms()), time)) {
    if (!row.echo || !before)
      heading(rule(day_name(time, options_.language), pane_columns_, quiet()));
    own_heading = true;
  }
  if (said && read_when_opened_ != kNoMessage && said->number() == read_when_opened_ + 1) {
    heading(rule(text(phrase::chat_new), pane_columns_, {.colour = kError}));
    own_heading = true;
  }
  const std::string author = said ? model_.author_name(stream, *said) : name(stream, me());
  const std::uint64_t author_id = said ? said->author() : me();
  if (author.empty()) want_name(author_id);
  const std::uint64_t reply_to = said ? said->reply_to() : row.echo->request.reply_to();
  if (before && !own_heading) {
    own_heading = before->author() != author_id ||
                  before->imported_author() != (said ? said->imported_author() : "") ||
                  time_ms - before->time_ms() > kSameBreath || reply_to != 0;
  }

  const bool selected = said && said->number() == selected_;
  const bool failed = row.echo && row.echo->failure;
  Style body_style{.dim = row.echo && !failed, .reverse = selected};
  if (failed) body_style.colour = kError;
  const int width = std::max(8, pane_columns_ - kTextColumn - 7);  // room for "#1234" at the right
  const auto indented = [&](StyledLine glyphs) {
    StyledLine line;
    add(line, std::string(kTextColumn, ' '));
    std::ranges::move(glyphs, std::back_inserter(line));
    return line;
  };
  const std::size_t first = out.size();
  if (own_heading) {
    StyledLine line;
    add(line, fmt::format("{:02}:{:02} ", time.tm_hour, time.tm_min), quiet());
    std::size_t hash = static_cast<std::size_t>(author_id);
    if (author_id == 0) hash = std::hash<std::string>{}(author);
    const std::string shown =
        cut_to(author.empty() ? text(phrase::chat_someone) : author, width - 12);
    add(line, shown, {.colour = kAuthors[hash % std::size(kAuthors)], .bold = true});
    if (said && !said->imported_author().empty())
      add(line, " " + text(phrase::chat_imported), quiet());
    out.push_back({std::move(line), {}, key, 0});
  }
  if (reply_to != 0) {
    const v1::Message* asked = timeline()->find(reply_to);
    std::string quote = text(phrase::chat_reply_gone, reply_to);
    if (asked && asked->deleted())
      quote = text(phrase::chat_deleted);
    else if (asked)
      quote = model_.author_name(stream, *asked) + " : " +
              asked->body().substr(0, asked->body().find('\n'));
    StyledLine line;
    add(line, "┃ " + cut_to(quote, width - 2), quiet());
    out.push_back({indented(std::move(line)), {}, key, 0});
  }
  if (said && said->deleted()) {
    StyledLine line;
    const bool moderated = said->deleted_by() != said->author() &&
                           said->delete_reason() != v1::REASON_CODE_UNSPECIFIED;
    const std::string gone =
        moderated
            ? text(phrase::chat_deleted_by, text(name_of(said->delete_reason())),
                   printable(said->delete_text()) +
                       (said->has_deleted_for()
                            ? " – " + doers(stream, said->deleted_by(), 0, &said->deleted_for())
                            : std::string()))
            : text(phrase::chat_deleted);
    add(line, cut_to(gone, width), {.colour = kQuiet, .reverse = selected, .italic = true});
    out.push_back({indented(std::move(line)), {}, key, 0});
  } else {
    if (said && model_.mentions_me(stream, *said)) body_style.colour = kMention;
    std::string_view body =
        said ? std::string_view(said->body()) : std::string_view(row.echo->request.body());
    while (true) {
      const std::size_t end = body.find('\n');
      for (auto& piece : break_line(styled(body.substr(0, end), body_style), width)) {
        out.push_back({indented(std::move(piece)), {}, key, 0});
      }
      if (end == std::string_view::npos) break;
      body.remove_prefix(end + 1);
    }
    if (said && said->edited_seq() != 0) {
      StyledLine& last = out.back().glyphs;
      add(last, " " + text(phrase::chat_edited), quiet());
    }
  }
  if (said && said->reactions_size() > 0) {
    StyledLine line;
    for (const auto& reaction : said->reactions()) {
      const bool mine = std::ranges::count(reaction.accounts(), me()) > 0;
      add(line, cut_to(reaction.emoji(), 8) + " " + std::to_string(reaction.accounts_size()),
          mine ? Style{.colour = kAccent, .bold = true} : quiet());
      add(line, "  ");
    }
    for (auto& piece : break_line(line, width))
      out.push_back({indented(std::move(piece)), {}, key, 0});
  }
  if (row.echo) {
    StyledLine line;
    if (failed)
      add(line, text(phrase::chat_not_sent, explain(*row.echo->failure, options_.language)),
          {.colour = kError});
    else if (row.echo->held_id != 0) {
      const auto& findings = row.echo->why.findings();
      const bool english = options_.language == v1::LANGUAGE_EN;
      add(line,
          text(phrase::chat_message_held, findings.empty() ? ""
                                          : english        ? findings[0].text_en()
                                                           : findings[0].text_fr()),
          quiet());
    } else if (link_ != Link::online) {
      add(line, text(phrase::chat_sending), quiet());
    } else if (const auto wait = slow_wait_ms(); wait != 0) {
      add(line, text(phrase::chat_sends_in, (wait + 999) / 1000), quiet());
    }
    if (!line.empty()) {
      for (auto& piece : break_line(line, width))
        out.push_back({indented(std::move(piece)), {}, key, 0});
    }
  }
  if (said) {
    // On the heading where there is one, else on the text's first line.
    std::string number = "#" + std::to_string(said->number());
    if (std::ranges::count(timeline()->pins(), said->number()) > 0) number = "⚑ " + number;
    out[std::min(first, out.size() - 1)].right = number;
  }
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].lines_below = static_cast<int>(out.size() - 1 - i);
  return out;
}

std::vector<ChatScreen::Line> ChatScreen::lines_upwards(const std::optional<Anchor>& anchor,
                                                        std::size_t count) {
  std::vector<Line> up;
  const auto rows = timeline()->rows();
  if (!anchor) {  // what happened after the last message
    std::vector<Line> after;
    const v1::Message* last = rows.empty() ? nullptr : rows.back().message;
    if (last || rows.empty()) add_system_lines(after, last ? last->seq() : 0, kNoMessage);
    up.assign(std::make_move_iterator(after.rbegin()), std::make_move_iterator(after.rend()));
  }
  if (rows.empty()) return up;
  std::size_t at = anchor ? row_of(rows, anchor->key) : rows.size() - 1;
  int hidden = anchor ? anchor->hidden : 0;
  while (up.size() < count) {
    if (rows[at].missing) want_history(*rows[at].missing);
    auto lines = lines_of(rows, at);
    hidden = std::min(hidden, static_cast<int>(lines.size()) - 1);
    for (auto line = lines.rbegin() + hidden; line != lines.rend(); ++line)
      up.push_back(std::move(*line));
    hidden = 0;
    if (at-- == 0) break;
  }
  return up;
}

// --- The parts of the screen

Grid ChatScreen::draw(int rows, int columns, client::Time now) {
  Grid grid(rows, columns);
  screen_rows_ = rows;
  const int sidebar = !sidebar_shown_ || columns < 60 ? 0 : std::clamp(columns / 4, 20, 32);
  const int left = sidebar == 0 ? 0 : sidebar + 1;
  pane_columns_ = columns - left;
  if (sidebar > 0) {
    draw_sidebar(grid, sidebar);
    for (int row = 0; row < rows; ++row) grid.put(row, sidebar, "│", quiet());
  }
  draw_header(grid, left);
  int top = 1;
  if (timeline() && !timeline()->pins().empty()) {
    const auto& pins = timeline()->pins();
    if (!message(pins.back())) want_history({pins.back(), pins.back()});
    const v1::Message* pinned = message(pins.back());
    const std::string first = pinned ? model_.author_name(current_->stream, *pinned) + " : " +
                                           pinned->body().substr(0, pinned->body().find('\n'))
                                     : text(phrase::chat_loading);
    const std::string line =
        pins.size() == 1
            ? text(phrase::chat_pinned, first)
            : text(phrase::chat_pinned_many, cut_to(first, pane_columns_ - 24), pins.size() - 1);
    grid.put(top++, left, cut_to(line, pane_columns_), {.colour = kAccent});
  }
  top = banner(grid, top, left, now);

  const int most = std::max(1, std::min(6, rows / 3));
  const auto instead = said_instead();
  const auto written = composer_.empty() && !instead.empty()
                           ? wrap(instead, pane_columns_ - 1).size()
                           : composer_.layout(pane_columns_ - 3).lines.size();
  const int composer_rows = std::min(static_cast<int>(written), most);
  const int mode_rows = std::min(static_cast<int>(mode_lines().size()), most);
  const int bottom = rows - composer_rows - mode_rows - 1;  // the status line's row
  pane_rows_ = std::max(1, bottom - top);
  draw_timeline(grid, top, bottom, left, now);
  ask_names();
  draw_composer(grid, bottom, left, now);
  if (overlay_ != Overlay::none) draw_overlay(grid);
  mark_read(now);
  return grid;
}

void ChatScreen::draw_sidebar(Grid& grid, int width) {
  struct Entry {
    StyledLine glyphs;
    std::string right;
    Style right_style;
    bool here = false;
  };
  std::vector<Entry> entries;
  std::optional<client::Stream> heading;
  bool directs = false;
  for (const Place& place : places()) {
    const bool is_direct = place.stream.kind == v1::STREAM_KIND_DIRECT;
    if (is_direct ? !directs : heading != place.stream) {
      if (!entries.empty()) entries.emplace_back();
      Entry& entry = entries.emplace_back();
      const auto* club = model_.club(place.stream.id);
      add(entry.glyphs,
          cut_to(is_direct ? text(phrase::chat_directs)
                 : club    ? club->club.name()
                           : "",
                 width - 1),
          {.bold = true});
      heading = place.stream;
      directs = is_direct;
    }
    Entry& entry = entries.emplace_back();
    const std::uint64_t unread = model_.unread(place.stream, place.room_id);
    const bool muted = model_.level(place.stream, place.room_id) == v1::NOTIFICATION_LEVEL_MUTED;
    entry.here = current_ == place;
    Style style;
    style.bold = unread > 0 && !muted;
    style.reverse = entry.here;
    std::string mark = "#";
    const v1::Room* its_room = nullptr;
    if (is_direct) {
      const auto* conversation = model_.direct(place.stream.id);
      mark =
          conversation && conversation->direct.status() == v1::DIRECT_STATUS_REQUESTED ? "?" : "@";
      if (conversation && conversation->direct.blocked_by_me()) mark = "×";
    } else if (const auto* club = model_.club(place.stream.id)) {
      const auto found = club->rooms.find(place.room_id);
      if (found != club->rooms.end()) its_room = &found->second.room;
      if (its_room && its_room->access() == v1::ROOM_ACCESS_ANNOUNCEMENT) mark = "!";
      if (its_room && its_room->access() == v1::ROOM_ACCESS_ROLES) mark = "*";
      if (its_room && its_room->archived()) mark = "-";
    }
    if (muted || (its_room && its_room->archived())) style.colour = kQuiet;
    if (unread > 0) entry.right = unread > 999 ? "999+" : std::to_string(unread);
    if (mentioned(place)) entry.right = "@" + entry.right;
    entry.right_style =
        mentioned(place) && !muted ? Style{.colour = kMention, .bold = true} : style;
    entry.right_style.reverse = entry.here;
    const int room_left = width - 1 - static_cast<int>(entry.right.size()) - 1;
    add(entry.glyphs, fit_to(" " + mark + " " + place_name(place), room_left), style);
  }
  const int rows = grid.rows();
  const auto here = std::ranges::find(entries, true, &Entry::here);
  const int at = here == entries.end() ? 0 : static_cast<int>(here - entries.begin());
  const int from =
      std::clamp(at - rows / 2, 0, std::max(0, static_cast<int>(entries.size()) - rows));
  for (int row = 0; row < rows && from + row < static_cast<int>(entries.size()); ++row) {
    const Entry& entry = entries[static_cast<std::size_t>(from + row)];
    if (entry.here) grid.fill(row, 0, width, {.reverse = true});
    grid.put(row, 0, entry.glyphs, width);
    grid.put(row, width - 1 - static_cast<int>(entry.right.size()), entry.right, entry.right_style,
             width);
  }
}

void ChatScreen::draw_header(Grid& grid, int left) {
  if (!current_) return;
  std::string right;
  StyledLine line;
  add(line, (direct() ? "@ " : "# ") + place_name(*current_), {.bold = true});
  if (const v1::Room* here = room()) {
    if (here->locked()) add(line, "  " + text(phrase::chat_locked_mark), {.colour = kWarning});
    if (const auto slow = slow_mode_s(*here); slow != 0) {
      add(line, "  " + text(phrase::chat_slow_mark, slow), {.colour = kWarning});
      if (const auto wait = slow_wait_ms(); wait != 0)
        add(line, " " + text(phrase::chat_slow_left, (wait + 999) / 1000), {.colour = kWarning});
    }
    const auto* club = model_.club(current_->stream.id);
    if (club->club.sandbox()) {
      add(line, "  " + text(phrase::sandbox_mark), {.colour = kWarning});
    }
    if (club->raid && club->raid->until_ms() > now_ms()) {
      add(line, "  " + text(phrase::chat_raid_mark, time_text(club->raid->until_ms())),
          {.colour = kWarning});
    }
    if (!here->topic().empty()) add(line, "  " + here->topic(), quiet());
    right = text(phrase::chat_members_count, club->club.active_members());
    if (club->presence.count > 0)
      right = text(phrase::chat_present, club->presence.count) + " · " + right;
  }
  const int right_at = grid.columns() - columns_of(right) - 1;
  if (left + columns_of(line) >= right_at) {
    StyledLine kept;
    int used = 0;
    for (auto& glyph : line) {
      used += glyph.columns;
      if (left + used >= right_at - 1) break;
      kept.push_back(std::move(glyph));
    }
    add(kept, "…", quiet());
    line = std::move(kept);
  }
  grid.put(0, left, line);
  grid.put(0, std::max(left, right_at), right, quiet());
}

int ChatScreen::banner(Grid& grid, int row, int left, client::Time now) {
  std::string line;
  Style style{.colour = kWarning, .reverse = true};
  if (link_ == Link::connecting) line = text(phrase::chat_connecting);
  if (link_ == Link::waiting) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(
        std::max(retry_at_ - now, client::Time::duration::zero()));
    line = text(phrase::chat_waiting, wait.count(), why_);
  }
  if (link_ == Link::closed) {
    line = text(phrase::chat_closed, why_);
    style.colour = kError;
  }
  if (line.empty()) return row;
  grid.fill(row, left, grid.columns(), style);
  grid.put(row, left + 1, cut_to(line, grid.columns() - left - 2), style);
  return row + 1;
}

void ChatScreen::draw_timeline(Grid& grid, int top, int bottom, int left, client::Time) {
  const int height = bottom - top;
  if (height <= 0) return;
  if (!timeline()) {
    if (link_ == Link::online && followed_.empty()) {
      grid.put(top + height / 2, left + 2, cut_to(text(phrase::chat_no_place), pane_columns_ - 3),
               quiet());
    }
    return;
  }
  // Another screenful above is laid out too, so that its history is there before it is scrolled to.
  const auto lines = lines_upwards(anchor_, static_cast<std::size_t>(height) * 2);
  if (lines.empty()) {
    grid.put(top + height / 2, left + 2, cut_to(text(phrase::chat_nothing_yet), pane_columns_ - 3),
             quiet());
    return;
  }
  const int shown = std::min(height, static_cast<int>(lines.size()));
  const int first_row = static_cast<int>(lines.size()) < height ? top : bottom - shown;
  for (int i = 0; i < shown; ++i) {
    const Line& line = lines[static_cast<std::size_t>(i)];
    const int row = first_row + shown - 1 - i;
    grid.put(row, left, line.glyphs);
    if (!line.right.empty())
      grid.put(row, grid.columns() - columns_of(line.right) - 1, line.right, quiet());
  }
}

StyledLine ChatScreen::status_line(client::Time now) const {
  StyledLine line;
  if (!notice_.empty() && now < notice_until_) {
    add(line, notice_, notice_is_error_ ? Style{.colour = kError} : Style{.colour = kAccent});
    return line;
  }
  if (anchor_ && timeline()) {
    const std::uint64_t below =
        timeline()->head() > anchor_->key ? timeline()->head() - anchor_->key : 0;
    add(line, text(phrase::chat_below, below), {.colour = kAccent});
    return line;
  }
  if (!current_) return line;
  const auto typing = model_.typing(current_->stream, current_->room_id, now);
  const std::size_t others =
      typing.others + (typing.accounts.size() > 2 ? typing.accounts.size() - 1 : 0);
  std::string said;
  if (others > 0 && !typing.accounts.empty()) {
    said = text(phrase::chat_typing_many, name(current_->stream, typing.accounts[0]), others);
  } else if (typing.accounts.size() == 2) {
    said = text(phrase::chat_typing_two, name(current_->stream, typing.accounts[0]),
                name(current_->stream, typing.accounts[1]));
  } else if (typing.accounts.size() == 1) {
    said = text(phrase::chat_typing_one, name(current_->stream, typing.accounts[0]));
  }
  add(line, said, {.colour = kQuiet, .italic = true});
  return line;
}

// A question, or what Enter will do other than post.
std::vector<std::vector<Glyph>> ChatScreen::mode_lines() const {
  const int width = pane_columns_ - 2;
  if (question_) {
    const bool agreed = !question_->yes.empty();
    return wrap(text(agreed ? phrase::chat_yes_enter : phrase::chat_yes_no, question_->text),
                width);
  }
  if (editing_ != 0) return {to_glyphs(cut_to(text(phrase::chat_editing, editing_), width))};
  if (reply_to_ == 0) return {};
  const v1::Message* asked = message(reply_to_);
  const std::string author = asked ? model_.author_name(current_->stream, *asked) : std::string();
  const std::string first =
      asked ? asked->body().substr(0, asked->body().find('\n')) : std::string();
  const int room = std::max(8, width - columns_of(text(phrase::chat_replying, author, "")));
  return {to_glyphs(cut_to(text(phrase::chat_replying, author, cut_to(first, room)), width))};
}

std::int64_t ChatScreen::now_ms() const {
  if (options_.now_ms) return options_.now_ms();
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::uint32_t ChatScreen::slow_mode_s(const v1::Room& here) const {
  const bool busy = here.auto_slow_until_ms() > now_ms();
  return std::max(here.slow_mode_s(), busy ? here.auto_slow_s() : 0);
}

std::int64_t ChatScreen::slow_wait_ms() const {
  const v1::Room* here = room();
  const auto* club = here != nullptr ? model_.club(current_->stream.id) : nullptr;
  if (club == nullptr || timeline() == nullptr) return 0;
  if (club->me.role() >= v1::CLUB_ROLE_COMMITTEE) return 0;
  const std::int64_t slow_s = slow_mode_s(*here);
  if (slow_s == 0) return 0;
  const auto rows = timeline()->rows();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->message == nullptr || row->message->author() != me()) continue;
    return std::clamp<std::int64_t>(row->message->time_ms() + slow_s * 1'000 - now_ms(), 0,
                                    slow_s * 1'000);
  }
  return 0;
}

std::string ChatScreen::until_text(const v1::Sanction& sanction) const {
  if (sanction.until_ms() == 0) return text(phrase::sanction_until_lifted);
  return time_text(sanction.until_ms());
}

std::string ChatScreen::time_text(std::int64_t unix_ms) const {
  const std::tm time = options_.local_time(unix_ms);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", time.tm_year + 1900, time.tm_mon + 1,
                     time.tm_mday, time.tm_hour, time.tm_min);
}

std::string ChatScreen::report_line(const v1::Report& report) const {
  const auto stream = client::Stream::club(report.club_id());
  const std::string taken =
      report.claimed_by() == 0
          ? std::string()
          : text(phrase::chat_report_taken, printable(name(stream, report.claimed_by())));
  std::string line = text(phrase::chat_report_line, report.report_id(), report.score(),
                          printable(name(stream, report.account_id())),
                          text(name_of(report.reason())), report.reporters(), taken);
  if (report.has_message()) line += " – #" + std::to_string(report.message().number());
  return line;
}

std::string ChatScreen::held_line(const v1::HeldMessage& held) const {
  const auto stream = client::Stream::club(current_->stream.id);
  std::string why;
  if (!held.why().findings().empty()) {
    const auto& finding = held.why().findings(0);
    why = printable(options_.language == v1::LANGUAGE_EN ? finding.text_en() : finding.text_fr());
  }
  return text(phrase::chat_held_line, held.held_id(), time_text(held.time_ms()),
              printable(name(stream, held.author())), place_name({stream, held.room_id()}),
              (held.number() != 0 ? text(phrase::held_edit) : "") + why);
}

std::string ChatScreen::doers(client::Stream stream, std::uint64_t by, std::uint64_t second,
                              const v1::OnBehalf* behalf) const {
  std::string who = printable(name(stream, by));
  if (behalf) {
    // Site staff act for a club that they are not in: no member knows them by name there.
    if (model_.name(stream, by).empty()) who = text(phrase::site_staff);
    who = text(phrase::by_on_behalf, who,
               behalf->account_id() == 0 ? text(phrase::the_committee)
                                         : printable(name(stream, behalf->account_id())));
  }
  if (second != 0) who = text(phrase::by_two, who, printable(name(stream, second)));
  return who;
}

std::string ChatScreen::sanction_line(const v1::Sanction& sanction) const {
  const auto* club = model_.club(sanction.club_id());
  std::string line =
      text(phrase::chat_sanction_line, sanction.sanction_id(), club ? club->club.name() : "",
           text(name_of(sanction.kind())), text(name_of(sanction.reason())));
  const auto add = [&line](const std::string& part) { line += " – " + part; };
  if (sanction.end() != v1::SANCTION_END_AT_ONCE) {
    add(sanction.until_ms() == 0
            ? text(phrase::sanction_until_lifted)
            : text(phrase::chat_sanction_until, time_text(sanction.until_ms())));
    if (sanction.end() != v1::SANCTION_END_UNSPECIFIED) add(text(name_of(sanction.end())));
  }
  add(text(
      phrase::chat_sanction_by,
      doers(client::Stream::club(sanction.club_id()), sanction.imposed_by(),
            sanction.confirmed_by(), sanction.has_on_behalf() ? &sanction.on_behalf() : nullptr)));
  if (!sanction.text().empty()) add(printable(sanction.text()));
  return line;
}

std::vector<std::string> ChatScreen::appeal_lines(const v1::SanctionCase& one) const {
  const auto stream = client::Stream::club(one.sanction().club_id());
  std::vector<std::string> out;
  for (const auto& line : one.appeal().lines()) {
    const std::string who =
        doers(stream, line.author(), 0, line.has_on_behalf() ? &line.on_behalf() : nullptr);
    out.push_back("    – " + who + text(phrase::colon) + printable(line.text()));
  }
  return out;
}

std::string ChatScreen::act_text(const v1::Proposal& proposal) const {
  if (proposal.kind() == v1::PROPOSAL_KIND_CHARTER) return text(phrase::proposal_charter);
  return proposal.kind() == v1::PROPOSAL_KIND_STATUS ? text(name_of(proposal.status()))
                                                     : text(name_of(proposal.sanction()));
}

std::string ChatScreen::proposal_line(const v1::Proposal& proposal) const {
  const auto stream = client::Stream::club(proposal.club_id());
  return text(
      phrase::chat_proposal_line, proposal.proposal_id(), act_text(proposal),
      proposal.account_id() == 0 ? text(phrase::none)
                                 : printable(name(stream, proposal.account_id())),
      doers(stream, proposal.proposed_by(), 0,
            proposal.has_on_behalf() ? &proposal.on_behalf() : nullptr),
      (proposal.kind() == v1::PROPOSAL_KIND_SANCTION ? text(name_of(proposal.reason())) : "") +
          (proposal.text().empty() ? "" : " – " + printable(proposal.text())));
}

// What stands where one would write, when nothing can be written there.
std::string ChatScreen::said_instead() const {
  if (const auto* conversation = direct()) {
    const auto& it = conversation->direct;
    if (it.blocked_by_me()) return text(phrase::chat_blocked);
    if (asked_of_me()) return text(phrase::chat_request_in, it.other_name(), it.introduction());
    if (it.status() == v1::DIRECT_STATUS_REQUESTED)
      return text(phrase::chat_request_out, it.other_name());
    if (it.status() == v1::DIRECT_STATUS_DECLINED) return text(phrase::chat_declined);
  } else if (const auto* here = room(); here && here->archived()) {
    return text(phrase::chat_archived);
  } else if (here && here->locked()) {
    const auto* club = model_.club(current_->stream.id);
    if (club && club->me.role() < v1::CLUB_ROLE_COMMITTEE) return text(phrase::chat_locked);
  }
  if (const auto* hold =
          current_ ? model_.hold(current_->stream, current_->room_id, now_ms()) : nullptr) {
    return text(phrase::chat_held, text(name_of(hold->kind())), text(name_of(hold->reason())),
                until_text(*hold), printable(hold->text()));
  }
  if (const auto* raid = current_ ? model_.raid_hold(current_->stream, now_ms()) : nullptr) {
    return text(phrase::chat_raid_held, time_text(raid->until_ms()));
  }
  const auto* club = current_ ? model_.club(current_->stream.id) : nullptr;
  return room() && club->ended ? text(phrase::chat_ended) : std::string();
}

void ChatScreen::draw_composer(Grid& grid, int top, int left, client::Time now) {
  const int right = grid.columns();
  grid.put(top, left, status_line(now), right - 10);
  const std::string hint = text(phrase::chat_hint);
  grid.put(top, right - columns_of(hint) - 1, hint, quiet());
  ++top;
  const Style mode_style = question_ ? Style{.colour = kWarning, .bold = true, .reverse = true}
                                     : Style{.colour = kAccent};
  const int most = std::max(1, std::min(6, grid.rows() / 3));
  auto mode = mode_lines();
  if (static_cast<int>(mode.size()) > most) mode.erase(mode.begin(), mode.end() - most);
  for (const auto& line : mode) {
    if (question_) grid.fill(top, left, right, mode_style);
    StyledLine glyphs;
    for (const Glyph& glyph : line) glyphs.push_back({glyph.bytes, glyph.columns, mode_style});
    grid.put(top++, left + 1, glyphs);
  }

  const std::string instead = said_instead();
  if (composer_.empty() && !instead.empty()) {
    for (const auto& line : wrap(instead, pane_columns_ - 1)) {
      StyledLine glyphs;
      for (const Glyph& glyph : line)
        glyphs.push_back({glyph.bytes, glyph.columns, {.colour = kWarning}});
      grid.put(top++, left, glyphs);
    }
    return;
  }
  const auto layout = composer_.layout(pane_columns_ - 3);
  const int height = grid.rows() - top;
  if (composer_.empty()) {
    const std::string shown = current_ ? text(phrase::chat_placeholder, place_name(*current_)) : "";
    grid.put(top, left, "> ", {.colour = kAccent, .bold = true});
    grid.put(top, left + 2, cut_to(shown, right - left - 3), {.colour = kQuiet, .dim = true});
    if (!question_ && overlay_ == Overlay::none) grid.set_cursor(top, left + 2);
    return;
  }
  const int from = std::max(0, layout.cursor_row - height + 1);
  for (int i = 0; i < height && from + i < static_cast<int>(layout.lines.size()); ++i) {
    grid.put(top + i, left, from + i == 0 ? "> " : "  ", {.colour = kAccent, .bold = true});
    StyledLine line;
    for (const Glyph& glyph : layout.lines[static_cast<std::size_t>(from + i)])
      line.push_back({glyph.bytes, glyph.columns, {}});
    grid.put(top + i, left + 2, line);
  }
  if (!question_ && overlay_ == Overlay::none) {
    grid.set_cursor(top + layout.cursor_row - from, left + 2 + layout.cursor_column);
  }
}

std::vector<std::string> ChatScreen::overlay_lines() const {
  std::vector<std::string> out;
  const auto add_wrapped = [&](const std::string& line) {
    constexpr int frame = 4;
    for (const auto& piece : wrap(line, std::max(20, pane_columns_ - frame))) {
      out.emplace_back();
      for (const Glyph& glyph : piece) out.back() += glyph.bytes;
    }
  };
  if (overlay_ == Overlay::help) {
    out.push_back(text(phrase::help_keys));
    for (const Phrase* help : {&phrase::help_enter, &phrase::help_tab, &phrase::help_rooms,
                               &phrase::help_scroll, &phrase::help_select, &phrase::help_history,
                               &phrase::help_edit_keys, &phrase::help_other}) {
      out.push_back("  " + text(*help));
    }
    out.emplace_back();
    out.push_back(text(phrase::help_commands));
    const auto* club = room() ? model_.club(current_->stream.id) : nullptr;
    // Site staff are in no club's roll, and act for its committee.
    const bool officer = club != nullptr && (club->me.role() == v1::CLUB_ROLE_UNSPECIFIED ||
                                             club->me.role() >= v1::CLUB_ROLE_COMMITTEE);
    for (const auto& command : chat_commands()) {
      if (command.committee && !officer) continue;
      const bool english = options_.language == v1::LANGUAGE_EN;
      const std::string usage = fmt::format("/{} {}", english ? command.en : command.fr,
                                            command.arguments.in(options_.language));
      const std::string about = text(*command.about);
      constexpr int usage_columns = 38;
      if (usage_columns + 3 + columns_of(about) <= pane_columns_) {
        out.push_back("  " + fit_to(usage, usage_columns) + " " + about);
      } else {
        out.push_back("  " + usage);
        add_wrapped("      " + about);
      }
    }
  } else if (overlay_ == Overlay::members && current_) {
    const auto* club = model_.club(current_->stream.id);
    if (!club) return out;
    std::vector<const v1::Member*> members;
    for (const auto& [id, member] : club->members) {
      if (member.status() == v1::MEMBER_STATUS_ACTIVE) members.push_back(&member);
    }
    std::ranges::sort(members, [](const v1::Member* a, const v1::Member* b) {
      if (a->role() != b->role()) return a->role() > b->role();
      return folded(a->display_name()) < folded(b->display_name());
    });
    for (const v1::Member* member : members) {
      const bool present = club->presence.accounts.contains(member->account_id());
      const std::string role =
          member->role() == v1::CLUB_ROLE_MEMBER ? "" : text(name_of(member->role()));
      out.push_back((present ? "● " : "  ") + fit_to(member->display_name(), 34) + role);
    }
  } else if (overlay_ == Overlay::reports) {
    for (const auto& report : reports_) {
      add_wrapped(report_line(report));
      for (const auto& evidence : report.evidence()) {
        add_wrapped("    ┃ " + printable(evidence.body().substr(0, evidence.body().find('\n'))));
      }
      for (const auto& said : report.texts()) add_wrapped("    – " + printable(said));
    }
  } else if (overlay_ == Overlay::held) {
    for (const auto& held : held_) {
      add_wrapped(held_line(held));
      for (std::string_view rest = held.body(); !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        add_wrapped("    ┃ " + printable(rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
  } else if (overlay_ == Overlay::charter) {
    for (const auto& line : charter_lines(charter_, options_.language)) add_wrapped(line);
  } else if (overlay_ == Overlay::proposals) {
    for (const auto& proposal : proposals_) {
      add_wrapped(proposal_line(proposal));
      for (const auto& line : charter_lines(proposal.charter(), options_.language))
        add_wrapped("    " + line);
    }
  } else if (overlay_ == Overlay::sanctions || overlay_ == Overlay::appeals) {
    for (const auto& one : cases_) {
      const auto& sanction = one.sanction();
      if (overlay_ == Overlay::appeals) {
        add_wrapped(
            text(phrase::chat_appeal_of,
                 printable(name(client::Stream::club(sanction.club_id()), sanction.account_id())),
                 time_text(one.appeal().due_ms())));
      }
      add_wrapped(sanction_line(sanction));
      for (const auto& line : appeal_lines(one)) add_wrapped(line);
    }
  } else if (const auto* echo = judged_echo(); overlay_ == Overlay::why && echo != nullptr) {
    const auto& why = echo->held_id != 0 ? echo->why : echo->failure->refusal.why();
    for (const auto& line : why_card(why, echo->request.body(), options_.language)) {
      add_wrapped(line);
      out.emplace_back();
    }
  } else if (overlay_ == Overlay::pins && timeline()) {
    for (const auto number : timeline()->pins()) {
      const v1::Message* pinned = message(number);
      out.push_back(fmt::format("#{}  {}", number,
                                pinned ? model_.author_name(current_->stream, *pinned) + " : " +
                                             pinned->body().substr(0, pinned->body().find('\n'))
                                       : text(phrase::chat_loading)));
    }
  }
  return out;
}

void ChatScreen::draw_overlay(Grid& grid) {
  const auto lines = overlay_lines();
  std::string title = text(phrase::chat_help_title);
  if (overlay_ == Overlay::reports) title = text(phrase::chat_reports);
  if (overlay_ == Overlay::held) title = text(phrase::chat_held_title);
  if (overlay_ == Overlay::charter) title = text(phrase::chat_charter);
  if (overlay_ == Overlay::proposals) title = text(phrase::chat_proposals);
  if (overlay_ == Overlay::sanctions) title = text(phrase::chat_sanctions);
  if (overlay_ == Overlay::appeals) title = text(phrase::chat_appeals);
  if (overlay_ == Overlay::pins) title = text(phrase::chat_pins_title);
  if (overlay_ == Overlay::why) title = text(phrase::chat_why_title);
  if (overlay_ == Overlay::members && current_) {
    const auto* club = model_.club(current_->stream.id);
    title = text(phrase::chat_members_title, club ? club->club.name() : "", lines.size());
  }
  int widest = columns_of(title) + 4;
  for (const auto& line : lines) widest = std::max(widest, columns_of(line));
  const int width = std::min(widest + 4, grid.columns());
  const int height = std::min(static_cast<int>(lines.size()) + 2, grid.rows());
  const int inside = height - 2;
  overlay_top_ = std::clamp(overlay_top_, 0, std::max(0, static_cast<int>(lines.size()) - inside));
  const int left = (grid.columns() - width) / 2, top = (grid.rows() - height) / 2;
  const Style frame{.colour = kAccent};
  const auto edge = [&](int row, std::string_view start, std::string_view end,
                        const std::string& label) {
    StyledLine line;
    add(line, start, frame);
    if (!label.empty()) add(line, " " + label + " ", {.colour = kAccent, .bold = true});
    while (columns_of(line) < width - 1) add(line, "─", frame);
    add(line, end, frame);
    grid.put(row, left, line);
  };
  edge(top, "┌─", "┐", cut_to(title, width - 6));
  for (int i = 0; i < inside; ++i) {
    grid.fill(top + 1 + i, left, left + width, {});
    grid.put(top + 1 + i, left, "│", frame);
    const auto at = static_cast<std::size_t>(overlay_top_ + i);
    if (at < lines.size()) grid.put(top + 1 + i, left + 2, cut_to(lines[at], width - 4));
    grid.put(top + 1 + i, left + width - 1, "│", frame);
  }
  edge(top + height - 1, "└─", "┘", cut_to(text(phrase::chat_press_a_key), width - 6));
}

// What stands at the bottom of a room that somebody looks at is read.
void ChatScreen::mark_read(client::Time now) {
  if (!timeline() || anchor_ || overlay_ != Overlay::none || link_ != Link::online ||
      now - last_key_ > kReadsFor)
    return;
  const std::uint64_t head = timeline()->head();
  std::uint64_t& marked = marked_[*current_];
  if (head <= marked || head <= model_.read_mark(current_->stream, current_->room_id)) return;
  if (!message(head)) return;  // not loaded: not seen
  marked = head;
  v1::ClientFrame frame;
  auto& request = *frame.mutable_mark_read();
  *request.mutable_stream() = current_->stream.proto();
  request.set_room_id(current_->room_id);
  request.set_number(head);
  ask(std::move(frame));
}

}  // namespace amicale::admin
