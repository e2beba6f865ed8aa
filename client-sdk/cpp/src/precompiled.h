// SPDX-License-Identifier: Apache-2.0
// What nearly every file here includes, parsed once.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "amicale/client/session_core.h"
#include "amicale/v1/frame.pb.h"
