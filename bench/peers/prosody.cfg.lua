-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Prosody as bench/peers/run starts it: one host, rooms with an archive in its own files, nothing that slows posts down on
-- purpose. A room outlives its last occupant, so that whoever comes back finds what was said. @PORT@ and @FOLDER@ are filled in.
pidfile = "@FOLDER@/prosody.pid"
data_path = "@FOLDER@/data"
log = { warn = "@FOLDER@/prosody.log" }

interfaces = { "127.0.0.1" }
c2s_ports = {}
s2s_ports = {}
http_interfaces = { "127.0.0.1" }
http_ports = { @PORT@ }
https_ports = {}
http_default_host = "localhost"
consider_websocket_secure = true
c2s_require_encryption = false

modules_enabled = { "disco"; "saslauth"; "websocket"; "http"; }
modules_disabled = { "s2s"; "offline"; }
network_backend = "epoll"
network_settings = { max_send_buffer_size = 1024 * 1024 * 1024 }
storage = "internal"
storage_archive_item_limit = 100000000
archive_expires_after = "never"

VirtualHost "localhost"
  authentication = "anonymous"

Component "conference.localhost" "muc"
  modules_enabled = { "muc_mam" }
  restrict_room_creation = false
  muc_room_locking = false
  muc_room_default_persistent = true
  muc_log_by_default = true
  muc_log_all_rooms = true
  muc_room_default_history_length = 20
  max_history_messages = 20
