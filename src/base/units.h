// Numbers for people: "755.62 GB", "753.33 B", "118,629". Machines get the exact ones.
#pragma once

#include <cstdint>
#include <string>

namespace drawbridge {

/// Decimal units: "512 B", "1.50 kB", "755.62 GB".
std::string format_bytes(int64_t bytes);
/// Thousands, millions, billions, trillions: "512", "1.50 K", "753.33 B".
std::string format_count(int64_t count);
/// "1,234,567".
std::string format_integer(int64_t value);
/// "45 s", "12 min 03 s", "3 h 05 min".
std::string format_duration(double seconds);

}  // namespace drawbridge
