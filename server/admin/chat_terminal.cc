// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/chat_terminal.h"

#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1  // its macros are named like everybody's functions
#include <curses.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

namespace amicale::admin {
namespace {

using Code = Key::Code;

// Keys that terminfo has no name for, or names that differ between terminals: we name their sequences ourselves.
enum OwnKey { kAltUp = 3000, kAltDown, kCtrlLeft, kCtrlRight, kPasteBegin, kPasteEnd };
struct Sequence {
  const char* bytes;
  int key;
};
constexpr Sequence kSequences[] = {
    {"\x1b[1;3A", kAltUp},     {"\x1b[1;3B", kAltDown},    {"\x1b\x1b[A", kAltUp},
    {"\x1b\x1b[B", kAltDown},  {"\x1b[1;5A", kAltUp},      {"\x1b[1;5B", kAltDown},
    {"\x1b[1;5D", kCtrlLeft},  {"\x1b[1;5C", kCtrlRight},  {"\x1b[1;3D", kCtrlLeft},
    {"\x1b[1;3C", kCtrlRight}, {"\x1b[200~", kPasteBegin}, {"\x1b[201~", kPasteEnd},
};
constexpr std::string_view kPasteOn = "\x1b[?2004h", kPasteOff = "\x1b[?2004l";
// Bracketed paste off, attributes off, cursor shown, alternate screen left: what a crash cannot ask ncurses to do.
constexpr std::string_view kGiveBack = "\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l\r\n";

volatile std::sig_atomic_t stop_asked = 0;
termios before{};
bool before_known = false;

void write_all(std::string_view bytes) {
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
}

void on_stop(int) { stop_asked = 1; }

// Only what a signal handler may do.
void on_crash(int signal) {
  write_all(kGiveBack);
  if (before_known) ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  ::sigaction(signal, &action, nullptr);
}

Key plain(Code code) { return {code, {}}; }

Key from_control(wint_t c) {
  switch (c) {
    case '\r':
    case '\n': return plain(Code::enter);
    case '\t': return plain(Code::tab);
    case 8:
    case 127: return plain(Code::backspace);
    default: return {Code::ctrl, std::string(1, static_cast<char>(c + 'a' - 1))};
  }
}

std::optional<Key> from_function_key(wint_t c) {
  switch (c) {
    case KEY_ENTER: return plain(Code::enter);
    case KEY_BACKSPACE: return plain(Code::backspace);
    case KEY_DC: return plain(Code::erase);
    case KEY_LEFT: return plain(Code::left);
    case KEY_RIGHT: return plain(Code::right);
    case KEY_UP: return plain(Code::up);
    case KEY_DOWN: return plain(Code::down);
    case KEY_SR: return plain(Code::alt_up);  // Shift+up, where Alt does not come through
    case KEY_SF: return plain(Code::alt_down);
    case KEY_HOME: return plain(Code::home);
    case KEY_END: return plain(Code::end);
    case KEY_PPAGE: return plain(Code::page_up);
    case KEY_NPAGE: return plain(Code::page_down);
    case KEY_BTAB: return plain(Code::back_tab);
    case KEY_F(1): return plain(Code::f1);
    case KEY_F(2): return plain(Code::f2);
    case kAltUp: return plain(Code::alt_up);
    case kAltDown: return plain(Code::alt_down);
    case kCtrlLeft: return plain(Code::word_left);
    case kCtrlRight: return plain(Code::word_right);
    case kPasteBegin: return plain(Code::paste_begin);
    case kPasteEnd: return plain(Code::paste_end);
    default: return std::nullopt;
  }
}

}  // namespace

ChatTerminal::ChatTerminal() {
  before_known = ::tcgetattr(STDIN_FILENO, &before) == 0;
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) handle(signal, on_stop);
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) handle(signal, on_crash);
  ::initscr();
  ::raw();  // Ctrl+C and Ctrl+Z are keys like others
  ::noecho();
  ::nonl();
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
  ::set_escdelay(25);
  if (::has_colors()) {
    ::start_color();
    ::use_default_colors();
  }
  for (const auto& sequence : kSequences) ::define_key(sequence.bytes, sequence.key);
  write_all(kPasteOn);
}

ChatTerminal::~ChatTerminal() {
  write_all(kPasteOff);
  ::endwin();
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) handle(signal, SIG_DFL);
}

bool ChatTerminal::told_to_stop() { return stop_asked != 0; }

int ChatTerminal::rows() const { return getmaxy(stdscr); }
int ChatTerminal::columns() const { return getmaxx(stdscr); }

void ChatTerminal::ring() { ::beep(); }
void ChatTerminal::redraw() { ::clearok(stdscr, TRUE); }

// The pair of a colour on the terminal's own ground. With eight colours, the nearest of them.
short ChatTerminal::colours(short foreground) {
  if (foreground < 0 || !::has_colors()) return 0;
  short& pair = pairs_[static_cast<std::size_t>(foreground)];
  if (pair != 0) return pair;
  short shown = foreground;
  if (COLORS < 256) {
    static constexpr short kBasic[] = {COLOR_BLUE,    COLOR_GREEN,  COLOR_CYAN,
                                       COLOR_MAGENTA, COLOR_YELLOW, COLOR_RED};
    shown = foreground == 244   ? COLOR_WHITE
            : foreground == 160 ? COLOR_RED
                                : kBasic[foreground % 6];
  }
  if (::init_pair(next_pair_, shown, -1) == ERR) return 0;
  return pair = next_pair_++;
}

void ChatTerminal::show(const Grid& grid) {
  for (int row = 0; row < grid.rows(); ++row) {
    for (int column = 0; column < grid.columns(); ++column) {
      const Cell& cell = grid.at(row, column);
      if (cell.bytes.empty()) continue;  // covered by the wide character before it
      attr_t attributes = A_NORMAL;
      if (cell.style.bold) attributes |= A_BOLD;
      if (cell.style.dim) attributes |= A_DIM;
      if (cell.style.reverse) attributes |= A_REVERSE;
      if (cell.style.italic) attributes |= A_ITALIC;
      if (cell.style.underline) attributes |= A_UNDERLINE;
      wchar_t text[CCHARW_MAX + 1] = {};
      std::size_t length = 0;
      for (std::size_t at = 0; at < cell.bytes.size() && length < CCHARW_MAX;) {
        text[length++] = static_cast<wchar_t>(next_code_point(cell.bytes, at));
      }
      cchar_t complex{};
      if (::setcchar(&complex, text, attributes, colours(cell.style.colour), nullptr) == OK) {
        ::mvadd_wch(row, column, &complex);
      }
    }
  }
  if (grid.cursor_row() >= 0) {
    ::curs_set(1);
    ::move(grid.cursor_row(), grid.cursor_column());
  } else {
    ::curs_set(0);
  }
  ::refresh();
}

std::optional<Key> ChatTerminal::next_key() {
  while (true) {
    wint_t c = 0;
    const int kind = ::get_wch(&c);
    if (kind == ERR) return std::nullopt;
    if (kind == KEY_CODE_YES) {
      if (const auto key = from_function_key(c)) return key;
      continue;  // a resize, or a key without a meaning here
    }
    if (c == 27) {
      wint_t next = 0;
      const int next_kind = ::get_wch(&next);
      if (next_kind == ERR) return plain(Code::escape);
      if (next_kind == KEY_CODE_YES) {
        if (next == KEY_ENTER) return plain(Code::alt_enter);
        if (next == KEY_UP) return plain(Code::alt_up);
        if (next == KEY_DOWN) return plain(Code::alt_down);
        continue;
      }
      if (next == '\r' || next == '\n') return plain(Code::alt_enter);
      if (next == 27) return plain(Code::escape);
      if (next == 127 || next == 8) return Key{Code::ctrl, "w"};
      if (next < 32) continue;
      std::string letter;
      append_utf8(letter, static_cast<char32_t>(next));
      return Key{Code::alt, letter};
    }
    if (c < 32 || c == 127) return from_control(c);
    Key key;
    append_utf8(key.text, static_cast<char32_t>(c));
    return key;
  }
}

}  // namespace amicale::admin
