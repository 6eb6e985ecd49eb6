#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace drawbridge {
namespace {

std::string scaled(int64_t value, const std::array<const char*, 5>& units) {
  auto number = static_cast<double>(value);
  size_t unit = 0;
  // 999.995 and more would be printed as 1000.00.
  while (std::fabs(number) >= 999.995 && unit + 1 < units.size()) {
    number /= 1000;
    ++unit;
  }
  const std::string digits = unit == 0 ? fmt::format("{}", value) : fmt::format("{:.2f}", number);
  return units[unit][0] == '\0' ? digits : digits + " " + units[unit];
}

}  // namespace

std::string format_bytes(int64_t bytes) {
  return scaled(bytes, {"B", "kB", "MB", "GB", "TB"});
}

std::string format_count(int64_t count) {
  return scaled(count, {"", "K", "M", "B", "T"});
}

std::string format_integer(int64_t value) {
  std::string digits = std::to_string(value);
  const size_t sign = value < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace drawbridge
