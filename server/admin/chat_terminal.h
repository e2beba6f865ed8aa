// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The real terminal under the chat screen, by ncursesw. At most one exists. Whatever ends the process, by a signal or a
// crash too, the terminal is given back as it was.
#pragma once

#include <array>
#include <optional>

#include "server/admin/chat_screen.h"

namespace amicale::admin {

class ChatTerminal {
 public:
  ChatTerminal();
  ~ChatTerminal();
  ChatTerminal(const ChatTerminal&) = delete;
  ChatTerminal& operator=(const ChatTerminal&) = delete;

  int rows() const;
  int columns() const;
  void show(const Grid& grid);
  void ring();
  void redraw();  // everything, also what the terminal lost
  // The next key that is there; never waits.
  std::optional<Key> next_key();
  // True once SIGTERM, SIGHUP or SIGINT came.
  static bool told_to_stop();

 private:
  short colours(short foreground);

  std::array<short, 256> pairs_{};  // of each colour on the terminal's own ground; 0 = not made yet
  short next_pair_ = 1;
};

}  // namespace amicale::admin
