// Student's t distribution with `degrees` of freedom, which need not be whole.
#pragma once

namespace drawbridge {

/// P(T <= t).
double student_t_cdf(double t, double degrees);
/// The t of a probability in (0, 1).
double student_t_quantile(double probability, double degrees);

}  // namespace drawbridge
