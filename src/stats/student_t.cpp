#include "stats/student_t.h"

#include <cmath>
#include <initializer_list>

#include "base/check.h"

namespace drawbridge {
namespace {

/// The continued fraction of the incomplete beta function, by Lentz's method.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300, kEnough = 1e-15;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double value = d;
  for (int i = 1; i <= 500; ++i) {
    const double m = i;
    for (const double term : {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                              -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))}) {
      d = 1 + term * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + term / c;
      if (std::abs(c) < kTiny) c = kTiny;
      value *= c * d;
    }
    if (std::abs(c * d - 1) < kEnough) break;
  }
  return value;
}

/// The regularized incomplete beta function I_x(a, b).
double regularized_beta(double x, double a, double b) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  // The fraction converges fast on this side of the mean only.
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

}  // namespace

double student_t_cdf(double t, double degrees) {
  DB_CHECK(degrees > 0);
  const double square = t * t;
  if (square < degrees) {  // from the middle: the tail's argument, near 1, would have lost t's digits
    const double half = 0.5 * regularized_beta(square / (degrees + square), 0.5, 0.5 * degrees);
    return t < 0 ? 0.5 - half : 0.5 + half;
  }
  const double tail = 0.5 * regularized_beta(degrees / (degrees + square), 0.5 * degrees, 0.5);
  return t < 0 ? tail : 1 - tail;
}

double student_t_quantile(double probability, double degrees) {
  DB_CHECK(probability > 0 && probability < 1);
  double low = -1, high = 1;
  while (student_t_cdf(low, degrees) > probability) low *= 2;
  while (student_t_cdf(high, degrees) < probability) high *= 2;
  while (high - low > 1e-12 * (1 + std::abs(low))) {
    const double middle = 0.5 * (low + high);
    (student_t_cdf(middle, degrees) < probability ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace drawbridge
