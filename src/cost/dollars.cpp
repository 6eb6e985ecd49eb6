#include "cost/dollars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"

namespace drawbridge {

std::string format_dollars(double dollars) {
  if (dollars >= 1000) return "$" + format_integer(static_cast<int64_t>(std::llround(dollars)));
  if (dollars >= 1 || dollars <= 0) return fmt::format("${:.2f}", dollars);
  const int digits = 2 - static_cast<int>(std::floor(std::log10(dollars)));
  return fmt::format("${:.{}f}", dollars, std::min(digits, 12));
}

std::string format_dollars(const std::optional<double>& dollars) {
  return dollars ? format_dollars(*dollars) : "-";
}

}  // namespace drawbridge
