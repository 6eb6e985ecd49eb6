#include "stats/slope.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "stats/student_t.h"

namespace drawbridge {

std::optional<Slope> fit_slope(std::span<const double> x, std::span<const double> y, double effective_n,
                               double confidence) {
  DB_CHECK(x.size() == y.size());
  if (x.size() < 3 || effective_n < 3) return std::nullopt;
  const auto n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, xy = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  if (xx <= 0) return std::nullopt;
  // Residuals of n points, of which only effective_n say something new: their mean square over n, spread over the
  // degrees of freedom that are left.
  const double degrees = std::min(effective_n, n) - 2;
  const double error = std::sqrt(std::max(0.0, yy - xy * xy / xx) / degrees / xx);
  const double reach = student_t_quantile(0.5 + 0.5 * confidence, degrees) * error;
  const double slope = xy / xx;
  return Slope{slope, {slope - reach, slope + reach}};
}

}  // namespace drawbridge
