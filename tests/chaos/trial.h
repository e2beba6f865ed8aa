// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How a trial is run: short, in seconds, with every test run; or long (AMICALE_LONG=1), with the figures that the promise
// names. All chance comes from one seed, which is printed and accepted (AMICALE_SEED).
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
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

// In the long form, a core for the server and another for this thread, which makes the load, for as long as it lives: what is
// compared is then what the server does with the same core, whatever the load costs to make.
class Apart {
 public:
  explicit Apart(pid_t server);
  ~Apart();
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;

 private:
  cpu_set_t before_{};
  bool apart_ = false;
};

// One line of what was seen, for docs/testing.md.
void say(const std::string& line);
// Times, which a test does not judge, for bench/beside, which does: a line of JSON in the file that AMICALE_FIGURES names, if any.
void tell_bench(const std::string& promise, const std::map<std::string, double>& figures);

double ms_since(Clock::time_point start);
// The value that a share of all lies below; 0 for none at all.
double quantile(std::vector<double> values, double share);

}  // namespace amicale::chaos
