// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "server/config.h"
#include "tests/support/identity.h"

namespace amicale::chaos {

// The real amicaled as a process of its own, so that its memory, its processor time and its descriptors are its own. Its site
// is made beforehand: an owner, one club, and people in it with a device each, without the front door's password hashing.
// Lives as long as the object; anything but a clean end fails the test.
class ServerProcess {
 public:
  struct Person {
    std::uint64_t account = 0;
    std::string token;
    std::string other_token;  // of a second device
  };
  struct Plan {
    // Keys of the configuration beyond this harness's own, "limits.ring_events" → "256".
    std::map<std::string, std::string> settings = {};
    unsigned people = 0;     // members, by index
    rlim_t descriptors = 0;  // RLIMIT_NOFILE of the process; 0 = ours
  };

  static constexpr const char* kLogin = "owner";
  static constexpr const char* kPassword = "correct horse battery";

  explicit ServerProcess(Plan plan);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  std::string certificate() const { return identity_.certificate(); }

  const Person& owner() const { return owner_; }
  const Person& person(std::size_t index) const { return people_.at(index); }
  std::size_t people() const { return people_.size(); }
  std::uint64_t club() const { return club_; }
  v1::StreamId stream() const;
  std::uint64_t room(v1::RoomAccess access) const { return rooms_.at(access); }
  pid_t pid() const { return pid_; }

  std::uint64_t resident_bytes() const;
  double cpu_seconds() const;
  std::size_t open_files() const;
  bool running();
  // A number of /metrics, asked anew.
  double metric(const std::string& name) const;

 private:
  void make_site(const Config& config, unsigned people);
  void start(const Plan& plan);
  void stop();
  std::string log_tail() const;

  std::filesystem::path folder_;
  support::Identity identity_;
  Person owner_;
  std::vector<Person> people_;
  std::uint64_t club_ = 0;
  std::map<v1::RoomAccess, std::uint64_t> rooms_;
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
};

}  // namespace amicale::chaos
