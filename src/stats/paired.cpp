#include "stats/paired.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "stats/cluster_bootstrap.h"
#include "stats/sample_size.h"

namespace drawbridge {
namespace {

constexpr double kOneSided = 0.05;

std::vector<Cluster> clusters_of(std::span<const PairedItem> items) {
  std::map<std::string, Cluster> by_name;
  for (const PairedItem& item : items) {
    Cluster& cluster = by_name[item.cluster];
    cluster.sum += item.candidate - item.baseline;
    ++cluster.n;
  }
  std::vector<Cluster> clusters;
  for (const auto& [name, cluster] : by_name) clusters.push_back(cluster);
  return clusters;
}

bool is_binary(double score) {
  return score == 0 || score == 1;
}

/// Absent if a score is neither 0 nor 1.
std::optional<DiscordantTable> table_of(std::span<const PairedItem> items) {
  DiscordantTable table;
  for (const PairedItem& item : items) {
    if (!is_binary(item.baseline) || !is_binary(item.candidate)) return std::nullopt;
    if (item.baseline == item.candidate) {
      ++(item.baseline == 1 ? table.both : table.neither);
    } else {
      ++(item.baseline == 1 ? table.only_baseline : table.only_candidate);
    }
  }
  return table;
}

void apply_score_method(const PairedOptions& options, PairedReport& report) {
  report.method = PairedMethod::kScore;
  report.p_value = mcnemar_exact(*report.table);
  report.mid_p = mcnemar_mid_p(*report.table);
  report.interval = tango_interval(*report.table, options.confidence);
  const Interval one_sided = tango_interval(*report.table, 1 - 2 * kOneSided);
  report.lower_bound = one_sided.low;
  report.upper_bound = one_sided.high;
}

/// Resampling knows only differences that it has seen: equal clusters yield an interval of width zero, and where all
/// that differ point one way, none that crosses zero, however few they are. The score interval of as many questions,
/// none discordant, is the least that such a sample leaves open around the difference it shows.
void apply_floor(int64_t n_clusters, double confidence, PairedReport& report) {
  const DiscordantTable none{n_clusters, 0, 0, 0};
  const Interval two_sided = tango_interval(none, confidence);
  const Interval one_sided = tango_interval(none, 1 - 2 * kOneSided);
  const auto lower = [&](double& end, double by) { end = std::max(-1.0, std::min(end, report.difference + by)); };
  const auto raise = [&](double& end, double by) { end = std::min(1.0, std::max(end, report.difference + by)); };
  lower(report.interval.low, two_sided.low);
  raise(report.interval.high, two_sided.high);
  lower(report.lower_bound, one_sided.low);
  raise(report.upper_bound, one_sided.high);
}

void apply_bootstrap(std::span<const Cluster> clusters, const PairedOptions& options, PairedReport& report) {
  report.method = PairedMethod::kBootstrap;
  report.p_value = sign_flip_p(clusters, options.n_resamples, options.seed);
  const bool all_alike = std::all_of(clusters.begin(), clusters.end(), [&](const Cluster& c) {
    return c.sum * static_cast<double>(clusters[0].n) == clusters[0].sum * static_cast<double>(c.n);
  });
  if (all_alike) {
    report.interval = {report.difference, report.difference};
    report.lower_bound = report.upper_bound = report.difference;
  } else {
    const ClusterBootstrap bootstrap(clusters, options.n_resamples, options.seed);
    report.interval = bootstrap.interval(options.confidence);
    report.lower_bound = bootstrap.bound(kOneSided);
    report.upper_bound = bootstrap.bound(1 - kOneSided);
  }
  apply_floor(report.n_clusters, options.confidence, report);
}

void apply_means(std::span<const PairedItem> items, PairedReport& report) {
  const auto n = static_cast<double>(items.size());
  for (const PairedItem& item : items) {
    report.baseline += item.baseline / n;
    report.candidate += item.candidate / n;
  }
  report.difference = report.candidate - report.baseline;
}

double mean_squared_difference(std::span<const Cluster> clusters) {
  double sum = 0;
  for (const Cluster& c : clusters) sum += std::pow(c.sum / static_cast<double>(c.n), 2);
  return sum / static_cast<double>(clusters.size());
}

Verdict verdict_of(const PairedReport& report, double margin) {
  if (report.lower_bound > -margin) return Verdict::kNonInferior;
  if (report.upper_bound < -margin) return Verdict::kInferior;
  return Verdict::kNotShown;
}

}  // namespace

Status check_paired_options(const PairedOptions& o) {
  if (!(o.margin > 0 && o.margin < 1)) {
    return fail(Code::kInvalidArgument, "--margin: wanted a share between 0 and 1, found {}", o.margin);
  }
  if (!(o.confidence > 0.5 && o.confidence < 1)) {
    return fail(Code::kInvalidArgument, "--confidence: wanted a share between 0.5 and 1, found {}", o.confidence);
  }
  if (o.n_resamples >= 1000) return Status();
  return fail(Code::kInvalidArgument, "--resamples: wanted at least 1000, found {}", o.n_resamples);
}

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNonInferior:
      return "non-inferior";
    case Verdict::kInferior:
      return "inferior";
    case Verdict::kNotShown:
      return "not shown";
  }
  return "";
}

PairedReport compare_paired(std::span<const PairedItem> items, const PairedOptions& options) {
  DB_CHECK(!items.empty() && check_paired_options(options).ok());
  const std::vector<Cluster> clusters = clusters_of(items);
  PairedReport report;
  report.n_items = static_cast<int64_t>(items.size());
  report.n_clusters = static_cast<int64_t>(clusters.size());
  report.n_differing = std::count_if(clusters.begin(), clusters.end(), [](const Cluster& c) { return c.sum != 0; });
  apply_means(items, report);
  report.table = table_of(items);
  if (report.table && clusters.size() == items.size()) {
    apply_score_method(options, report);
  } else {
    apply_bootstrap(clusters, options, report);
  }
  report.discordance = mean_squared_difference(clusters);
  report.verdict = verdict_of(report, options.margin);
  const double one_flip = 1.0 / static_cast<double>(clusters.size());
  report.n_clusters_needed = paired_sample_size(report.discordance > 0 ? report.discordance : one_flip, options.margin);
  return report;
}

}  // namespace drawbridge
