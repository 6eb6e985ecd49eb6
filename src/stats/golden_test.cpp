// Against scipy and statsmodels (tests/reference/stats).
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/mapped_file.h"
#include "stats/cluster_bootstrap.h"
#include "stats/discordant.h"
#include "stats/normal.h"
#include "stats/proportions.h"

namespace drawbridge {
namespace {

const Json& golden() {
  static const Json root = [] {
    const std::string path = std::string(DB_SOURCE_DIR) + "/tests/golden/stats/stats.json";
    return parse_json(read_text_file(path, 1 << 20).value(), path).value();
  }();
  return root;
}

void expect_near(const Interval& found, const Json& wanted, double tolerance) {
  EXPECT_NEAR(found.low, wanted[0].get<double>(), tolerance);
  EXPECT_NEAR(found.high, wanted[1].get<double>(), tolerance);
}

TEST(StatsGolden, NormalQuantiles) {
  for (const Json& pair : golden()["normal_quantiles"]) {
    const double wanted = pair[1].get<double>();
    EXPECT_NEAR(normal_quantile(pair[0].get<double>()), wanted, 1e-9 * (1 + std::abs(wanted)));
  }
}

TEST(StatsGolden, DiscordantTables) {
  for (const Json& c : golden()["discordant"]) {
    SCOPED_TRACE(dump_json(c["table"]));
    const DiscordantTable table{c["table"][0].get<int64_t>(), c["table"][1].get<int64_t>(),
                                c["table"][2].get<int64_t>(), c["table"][3].get<int64_t>()};
    const double exact = c["exact"].get<double>(), mid = c["mid_p"].get<double>();
    EXPECT_NEAR(mcnemar_exact(table), exact, 1e-9 * exact);
    EXPECT_NEAR(mcnemar_mid_p(table), mid, 1e-9 * mid);
    expect_near(tango_interval(table, 0.95), c["tango_95"], 1e-6);
    expect_near(tango_interval(table, 0.90), c["tango_90"], 1e-6);
  }
}

TEST(StatsGolden, BootstrapOverClusters) {
  for (const Json& c : golden()["bootstrap"]) {
    std::vector<Cluster> clusters;
    for (size_t i = 0; i < c["sums"].size(); ++i) {
      clusters.push_back({c["sums"][i].get<double>(), c["sizes"][i].get<int64_t>()});
    }
    // Both sides draw at random: a bound of 20,000 replicates scatters by about a hundredth of the interval.
    const ClusterBootstrap bootstrap(clusters, 20000, 11);
    const double width = c["bca_95"][1].get<double>() - c["bca_95"][0].get<double>();
    expect_near(bootstrap.interval(0.95), c["bca_95"], 0.03 * width);
    expect_near(bootstrap.interval(0.90), c["bca_90"], 0.03 * width);
    EXPECT_NEAR(sign_flip_p(clusters, 20000, 12), c["sign_flip_p"].get<double>(), 0.01);
  }
}

TEST(StatsGolden, SharesFromCounts) {
  for (const Json& c : golden()["shares"]) {
    const Fraction baseline{c["counts"][0].get<int64_t>(), c["counts"][1].get<int64_t>()};
    const Fraction candidate{c["counts"][2].get<int64_t>(), c["counts"][3].get<int64_t>()};
    const DifferenceTest test = compare_counts(baseline, candidate);
    EXPECT_NEAR(test.z, c["z"].get<double>(), 1e-9);
    EXPECT_NEAR(test.p, c["p"].get<double>(), 1e-9);
    expect_near(test.interval, c["interval"], 1e-9);
  }
}

}  // namespace
}  // namespace drawbridge
