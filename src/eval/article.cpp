#include "eval/article.h"

#include <cmath>

#include "eval/markdown_table.h"
#include "stats/discordant.h"
#include "stats/normal.h"
#include "stats/sample_size.h"

namespace drawbridge {
namespace {

// As printed: value and error bar. GSM8K's bars are one standard error, GPQA's are 95 % half-widths.
constexpr Fraction kGsm8kBaseline{193, 200}, kGsm8kCandidate{191, 200};
constexpr double kGsm8kBaselineError = 0.013, kGsm8kCandidateError = 0.014;
constexpr Fraction kGpqaBaseline{365, 396};
constexpr double kGpqaCandidate = 0.9026, kGpqaBaselineBar = 0.027, kGpqaCandidateBar = 0.029;
constexpr double kTau2Baseline = 0.819, kTau2Candidate = 0.834;  // mean of the domains
constexpr int64_t kTau2Tasks[] = {50, 114, 114};                 // airline, retail, telecom

std::string points(double share) {
  return fmt::format("{:+.2f}", 100 * share);
}

/// Largest loss that a table leaves open, one-sided 5 %.
double open_loss(const DiscordantTable& table) {
  return -tango_interval(table, 0.90).low;
}

ArticleRow gsm8k() {
  ArticleRow row{"GSM8K, 200 questions, greedy", kGsm8kBaseline.value(), kGsm8kCandidate.value(), {}, {}};
  row.readings = {
      {"unpaired, from the counts 193 and 191 of 200", compare_counts(kGsm8kBaseline, kGsm8kCandidate)},
      {"unpaired, from the printed errors 0.013 and 0.014",
       compare_shares(kGsm8kBaseline.value(), kGsm8kBaselineError, kGsm8kCandidate.value(), kGsm8kCandidateError)}};
  // Two questions apart: at best nothing else changed, at worst every wrong answer is another question.
  const DiscordantTable luckiest{191, 2, 0, 7}, unluckiest{184, 9, 7, 0};
  row.remarks = {
      fmt::format("paired, a loss of {:.2f} points (2 lost, 0 won) to {:.2f} points (9 lost, 7 won) stays "
                  "open, by how the unpublished answers pair (one-sided 5 %)",
                  100 * open_loss(luckiest), 100 * open_loss(unluckiest)),
      fmt::format("McNemar p = {:.2f} to {:.2f}: no difference is shown, and no loss that matters is excluded",
                  mcnemar_exact(luckiest), mcnemar_exact(unluckiest))};
  return row;
}

std::string possible_counts() {
  std::string text;
  for (const Fraction& f : fractions_printed_as(kGpqaCandidate, 4, 340, kGpqaBaseline.n)) {
    text += fmt::format("{}{}/{}", text.empty() ? "" : ", ", f.k, f.n);
  }
  return text;
}

ArticleRow gpqa() {
  const double half_width = normal_quantile(0.975);
  const double baseline = kGpqaBaseline.value();
  ArticleRow row{"GPQA-Diamond, 198 questions x 2 seeds", baseline, kGpqaCandidate, {}, {}};
  const double baseline_error = kGpqaBaselineBar / half_width, candidate_error = kGpqaCandidateBar / half_width;
  row.readings = {
      {"396 independent answers, from the printed bars (95 % half-widths)",
       compare_shares(baseline, baseline_error, kGpqaCandidate, candidate_error)},
      {"198 independent questions, if both seeds always agree",
       compare_shares(baseline, baseline_error * std::sqrt(2.0), kGpqaCandidate, candidate_error * std::sqrt(2.0))}};
  const int64_t n = kGpqaBaseline.n;
  const auto below = static_cast<int64_t>(kGpqaCandidate * static_cast<double>(n));
  const Fraction low{below, n}, high{below + 1, n}, dropped{352, n};
  row.remarks = {
      fmt::format("0.9026 is no share of 396: {}/396 = {:.4f}, {}/396 = {:.4f}; it is {} or a mean of unequal runs",
                  low.k, low.value(), high.k, high.value(), possible_counts()),
      fmt::format("if six answers of 396 were left out of 352/390 and were failures, the score is {:.4f}: "
                  "{} points",
                  dropped.value(), points(dropped.value() - baseline))};
  return row;
}

ArticleRow tau2() {
  ArticleRow row{"tau2, mean of airline, retail and telecom", kTau2Baseline, kTau2Candidate, {}, {}};
  int64_t n_tasks = 0;
  double macro_baseline = 0, macro_candidate = 0;  // squared standard errors
  for (const int64_t n : kTau2Tasks) {
    n_tasks += n;
    macro_baseline += std::pow(standard_error(kTau2Baseline, n), 2) / 9;
    macro_candidate += std::pow(standard_error(kTau2Candidate, n), 2) / 9;
  }
  row.readings = {
      {fmt::format("{} tasks asked once each, counted alike", n_tasks),
       compare_shares(kTau2Baseline, standard_error(kTau2Baseline, n_tasks), kTau2Candidate,
                      standard_error(kTau2Candidate, n_tasks))},
      {"asked once each, domains counted alike (every domain near the mean)",
       compare_shares(kTau2Baseline, std::sqrt(macro_baseline), kTau2Candidate, std::sqrt(macro_candidate))}};
  row.remarks = {"the number of trials is not printed: these are orders of magnitude",
                 "a gain as large as the losses above, and as far from significant: it measures the noise"};
  return row;
}

std::string row_text(const ArticleRow& row) {
  std::string text = fmt::format("{}: {:.4f} -> {:.4f}, {} points\n", row.task, row.baseline, row.candidate,
                                 points(row.candidate - row.baseline));
  for (const ArticleReading& reading : row.readings) {
    const DifferenceTest& t = reading.test;
    text += fmt::format(
        "  {}:\n    z {:+.2f}, p {:.2f}, 95 % {} to {} points; excludes a loss over {:.2f} points, no smaller one "
        "(one-sided 5 %)\n",
        reading.assumption, t.z, t.p, points(t.interval.low), points(t.interval.high), -100 * t.low_one_sided);
  }
  for (const std::string& remark : row.remarks) text += "  " + remark + "\n";
  return text + "\n";
}

}  // namespace

Article recompute_article() {
  Article article;
  article.rows = {gsm8k(), gpqa(), tau2()};
  struct Plan {
    double accuracy, margin, discordance;
  };
  for (const Plan& p : {Plan{0.965, 0.01, 0.03}, Plan{0.965, 0.005, 0.03}, Plan{0.92, 0.02, 0.10}}) {
    article.needed.push_back({p.accuracy, p.margin, p.discordance, unpaired_sample_size(p.accuracy, p.margin),
                              paired_sample_size(p.discordance, p.margin)});
  }
  return article;
}

std::string article_text(const Article& article) {
  std::string text = "GLM-5.2 in MXFP4 against FP8, as printed by https://www.wafer.ai/blog/glm52-amd\n\n";
  for (const ArticleRow& row : article.rows) text += row_text(row);
  text += "Questions that would exclude a loss (one-sided 5 %, power 80 %):\n";
  MarkdownTable table({"accuracy", "loss, points", "unpaired", "paired", "<if this share of answers flips"});
  for (const ArticleSampleSize& n : article.needed) {
    table.add({fmt::format("{:g}", n.accuracy), fmt::format("{:g}", 100 * n.margin), fmt::format("{}", n.n_unpaired),
               fmt::format("{}", n.n_paired), fmt::format("{:g} %", 100 * n.discordance)});
  }
  return text + table.text();
}

Json article_json(const Article& article) {
  Json rows = Json::array(), needed = Json::array();
  for (const ArticleRow& row : article.rows) {
    Json readings = Json::array();
    for (const ArticleReading& reading : row.readings) {
      const DifferenceTest& t = reading.test;
      readings.push_back({{"assumption", reading.assumption},
                          {"difference", t.difference},
                          {"z", t.z},
                          {"p_value", t.p},
                          {"interval_95", {t.interval.low, t.interval.high}},
                          {"lower_bound_5_percent", t.low_one_sided}});
    }
    rows.push_back({{"task", row.task},
                    {"baseline", row.baseline},
                    {"candidate", row.candidate},
                    {"readings", std::move(readings)},
                    {"remarks", row.remarks}});
  }
  for (const ArticleSampleSize& n : article.needed) {
    needed.push_back({{"accuracy", n.accuracy},
                      {"margin", n.margin},
                      {"discordance", n.discordance},
                      {"n_unpaired", n.n_unpaired},
                      {"n_paired", n.n_paired}});
  }
  return {{"rows", std::move(rows)}, {"needed", std::move(needed)}};
}

}  // namespace drawbridge
