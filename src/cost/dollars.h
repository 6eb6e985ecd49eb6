// Dollars for people: "$1,234", "$24.06", "$1.37", "$0.00127"; three digits that count below a dollar.
#pragma once

#include <optional>
#include <string>

namespace drawbridge {

std::string format_dollars(double dollars);
/// "-" for none.
std::string format_dollars(const std::optional<double>& dollars);

}  // namespace drawbridge
