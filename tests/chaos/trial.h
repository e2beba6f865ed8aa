// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How a trial is run: short, in seconds, with every test run; or long (AMICALE_LONG=1), with the figures that the promise
// names. All chance comes from one seed, which is printed and accepted (AMICALE_SEED).
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace amicale::chaos {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool long_trial();
std::uint64_t seed();
// Built with a sanitizer: memory and processor time are then the sanitizer's, and no bound on them is judged.
bool sanitized();

template <class T>
T figure(T short_form, T long_form) {
  return long_trial() ? long_form : short_form;
}

// A core for the server and another for this thread, which makes the load, for as long as it lives: what is compared is then
// what the server does with the same core, whatever the load costs to make.
class Apart {
 public:
  explicit Apart(pid_t server);
  ~Apart();
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;
  // False on a machine of one core: times are then not to be judged.
  bool apart() const { return apart_; }

 private:
  cpu_set_t before_{};
  bool apart_ = false;
};

// Whether times are judged: in the long form, on cores of their own, without a sanitizer's cost.
bool judges_time(const Apart& cores);
// Whether somebody is slowed by what goes on beside: more than twice as slow as in the control, of which the slower one counts,
// and what a scheduler does by itself is not held against anybody.
bool slowed(double beside_ms, double control_ms, double other_control_ms);

// One line of what was seen, for docs/testing.md.
void say(const std::string& line);

double ms_since(Clock::time_point start);
// The value that a share of all lies below; 0 for none at all.
double quantile(std::vector<double> values, double share);

}  // namespace amicale::chaos
