// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The real terminal under the chat screen, by ncursesw. At most one exists. Whatever ends the process, by a signal or a
// crash too, the terminal is given back as it was.
#pragma once

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
};

}  // namespace amicale::admin
