#include "load/arrivals.h"

#include <fmt/format.h>

#include <cmath>

#include "base/rng.h"

namespace drawbridge {

double Arrivals::next() {
  if (options_.rate_rps <= 0) return 0;
  now_ns_ += std::llround(draw_gap() / options_.rate_rps * 1e9);
  return static_cast<double>(now_ns_) * 1e-9;
}

/// Of mean 1.
double Arrivals::draw_gap() {
  if (std::isinf(options_.burstiness)) return 1;
  if (options_.burstiness == 1) return -std::log1p(-uniform());
  return gamma(options_.burstiness) / options_.burstiness;
}

double Arrivals::uniform() {
  return uniform_at(options_.seed, n_draws_++);
}

/// Box and Muller's, the cosine alone.
double Arrivals::normal() {
  constexpr double kTwoPi = 6.283185307179586;
  const double radius = std::sqrt(-2 * std::log1p(-uniform()));
  return radius * std::cos(kTwoPi * uniform());
}

/// Marsaglia and Tsang, A Simple Method for Generating Gamma Variables (2000); scale 1.
double Arrivals::gamma(double shape) {
  if (shape < 1) {
    const double larger = gamma(shape + 1);
    return larger * std::pow(1 - uniform(), 1 / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double root = 1 + c * x;
    const double v = root * root * root;
    if (root > 0 && std::log1p(-uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

std::string describe_arrivals(const ArrivalOptions& options) {
  if (options.rate_rps <= 0) return "all at once";
  if (std::isinf(options.burstiness)) return "constant";
  if (options.burstiness == 1) return "poisson";
  return fmt::format("gamma burstiness {}", options.burstiness);
}

}  // namespace drawbridge
