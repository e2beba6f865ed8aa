// SPDX-License-Identifier: AGPL-3.0-or-later
// Precompiled for every server library: the headers that are large, stable and included nearly everywhere.
#pragma once

#include <array>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "amicale/v1/frame.pb.h"
