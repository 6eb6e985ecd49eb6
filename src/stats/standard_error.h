// Standard error of a mean score whose items come in clusters.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace drawbridge {

/// (cluster, score) of each item. With one item a cluster: the sample deviation over sqrt(n), as lm-eval prints it.
/// 0 for a single cluster, which has no spread to tell.
double clustered_standard_error(const std::vector<std::pair<std::string, double>>& items);

}  // namespace drawbridge
