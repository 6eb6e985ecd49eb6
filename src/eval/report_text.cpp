#include <algorithm>
#include <cmath>

#include "base/printable.h"
#include "eval/markdown_table.h"
#include "eval/report.h"

namespace drawbridge {
namespace {

std::string points(double share) {
  return fmt::format("{:+.2f}", 100 * share);
}

std::string plural(int64_t n, const char* noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string systems_text(const std::vector<SystemResult>& systems) {
  std::string text;
  for (const SystemResult& system : systems) {
    MarkdownTable table({"<Tasks", "Version", "<Filter", "n-shot", "<Metric", "< ", "Value", "< ", "Stderr"});
    std::string wrong;
    for (const TaskResult& task : system.tasks) {
      const TaskScore score = score_of(task);
      table.add({task.task, fmt::format("{}", task.version), task.filter, fmt::format("{}", task.n_shot), task.metric,
                 "↑", fmt::format("{:.4f}", score.value), "±", fmt::format("{:.4f}", score.standard_error)});
      wrong += fmt::format("{} {}: {}, of which truncated {} and failed {}; both count as wrong\n", task.task,
                           task.filter, plural(score.n_items, "item"), score.n_truncated, score.n_failed);
    }
    text += system.label + "\n" + table.text() + wrong + "\n";
  }
  return text;
}

std::string table_text(const DiscordantTable& t) {
  MarkdownTable table({"<", "candidate right", "candidate wrong"});
  table.add({"baseline right", fmt::format("{}", t.both), fmt::format("{}", t.only_baseline)});
  table.add({"baseline wrong", fmt::format("{}", t.only_candidate), fmt::format("{}", t.neither)});
  return table.text();
}

std::string test_text(const PairedReport& p) {
  if (p.method == PairedMethod::kScore) {
    return fmt::format("McNemar exact p = {:.3g}, mid-p = {:.3g}; score interval (Tango)", p.p_value, *p.mid_p);
  }
  return fmt::format("sign flips over {}: p = {:.3g}; bootstrap interval (BCa over clusters)",
                     plural(p.n_clusters, "cluster"), p.p_value);
}

/// Up to `limit` of them.
std::string id_list(const std::vector<std::string>& ids, size_t limit) {
  std::string text;
  for (size_t i = 0; i < std::min(ids.size(), limit); ++i) text += (i == 0 ? "" : ", ") + printable(ids[i]);
  return ids.size() > limit ? text + fmt::format(" and {} more", ids.size() - limit) : text;
}

std::string task_text(const TaskComparison& task, const PairedOptions& options) {
  const PairedReport& p = task.paired;
  std::string text =
      fmt::format("{} {} ({}, {}-shot): {:.4f} -> {:.4f}, {} points, {:g} % interval {} to {}\n", task.task,
                  task.filter, task.metric, task.n_shot, p.baseline, p.candidate, points(p.difference),
                  100 * options.confidence, points(p.interval.low), points(p.interval.high));
  text += test_text(p) + "\n";
  if (p.table) text += table_text(*p.table);
  text += fmt::format("answers changed {} of {}; lost {}{}{}; won {}{}{}\n", task.n_changed_answers, p.n_items,
                      task.lost.size(), task.lost.empty() ? "" : ": ", id_list(task.lost, 8), task.won.size(),
                      task.won.empty() ? "" : ": ", id_list(task.won, 8));
  text += fmt::format("counted as wrong: baseline {} truncated, {} failed; candidate {} truncated, {} failed\n",
                      task.baseline.n_truncated, task.baseline.n_failed, task.candidate.n_truncated,
                      task.candidate.n_failed);
  return text + verdict_sentence(task, options) + "\n\n";
}

std::string comparison_text(const Comparison& comparison) {
  std::string text =
      fmt::format("{} against the baseline {}\n\n", comparison.candidate_label, comparison.baseline_label);
  for (const TaskComparison& task : comparison.tasks) text += task_text(task, comparison.options);
  for (const std::string& note : comparison.notes) text += "note: " + note + "\n";
  return text;
}

std::string agreement_text(const char* name, const std::vector<LayerAgreement>& layers) {
  const LayerAgreement all = total_agreement(layers);
  if (all.n == 0) return fmt::format("{}: nothing to compare: no window was long enough to put it to the test\n", name);
  const auto worst = std::min_element(layers.begin(), layers.end(),
                                      [](const auto& a, const auto& b) { return a.jaccard < b.jaccard; });
  return fmt::format(
      "{}: {:.2f} % equal sets over {} of {}, mean overlap {:.4f}, Jaccard {:.4f}; least in layer {} ({:.4f})\n", name,
      100 * all.equal, plural(all.n, "set"), plural(static_cast<int64_t>(layers.size()), "layer"), all.overlap,
      all.jaccard, worst->layer, worst->jaccard);
}

std::string buckets_text(const std::vector<PositionBucket>& buckets) {
  MarkdownTable table({"positions", "tokens", "reference ppl", "candidate ppl", "KL mean", "top-1 equal %"});
  for (const PositionBucket& b : buckets) {
    table.add({fmt::format("{}-{}", b.from, b.to - 1), fmt::format("{}", b.n_tokens),
               fmt::format("{:.4f}", std::exp(b.reference_nll)), fmt::format("{:.4f}", std::exp(b.candidate_nll)),
               fmt::format("{:.3g}", b.kl_mean), fmt::format("{:.2f}", 100 * b.top1)});
  }
  return table.text();
}

std::string canaries_text(const std::vector<CanaryScore>& canaries) {
  if (canaries.empty()) return "";
  MarkdownTable table({"canary", "windows", "reference first", "second", "candidate first", "second", "KL second"});
  for (const CanaryScore& c : canaries) {
    table.add({fmt::format("{}", c.length), fmt::format("{}", c.n_windows), fmt::format("{:.3f}", c.reference_first),
               fmt::format("{:.3f}", c.reference_second), fmt::format("{:.3f}", c.candidate_first),
               fmt::format("{:.3f}", c.candidate_second), fmt::format("{:.3g}", c.kl_second)});
  }
  return "\nLog-probability of random tokens on their first and second appearance, nats a token:\n" + table.text();
}

std::string ratio_text(const std::optional<Interval>& ratio) {
  return ratio ? fmt::format(" (95 % {:.5f} to {:.5f})", ratio->low, ratio->high) : " (one window: no interval)";
}

std::string distribution_text(const DistributionReport& d) {
  std::string text = fmt::format("{} against the reference {}, on {}\n", d.candidate, d.reference, d.text);
  text += fmt::format("candidate: {}; reference: {}\n", d.candidate_setting, d.reference_setting);
  text += fmt::format("{} of {} in windows of {} tokens\n", plural(d.n_tokens, "prediction"),
                      plural(d.n_windows, "window"), d.context);
  text += fmt::format("perplexity: {:.4f} -> {:.4f}, ratio {:.5f}{}\n", d.reference_perplexity, d.candidate_perplexity,
                      d.candidate_perplexity / d.reference_perplexity, ratio_text(d.perplexity_ratio));
  text +=
      fmt::format("KL(reference || candidate), nats: mean {:.3g}, median {:.3g}, p90 {:.3g}, p99 {:.3g}, max {:.3g}\n",
                  d.kl.mean, d.kl.median, d.kl.p90, d.kl.p99, d.kl.max);
  text += fmt::format("most likely token equal: {:.2f} %\n", 100 * d.top1);
  text += agreement_text("experts", d.experts);
  text += agreement_text(fmt::format("indexer positions (from {} on)", d.index_topk).c_str(), d.indices);
  return text + buckets_text(d.buckets) + canaries_text(d.canaries);
}

}  // namespace

std::string verdict_sentence(const TaskComparison& task, const PairedOptions& options) {
  const PairedReport& p = task.paired;
  const double margin = 100 * options.margin;
  std::string needed = fmt::format(
      "If the candidate is truly as good, {} are needed at this rate of flips ({} if the systems had been asked "
      "different ones); {} were asked",
      plural(p.n_clusters_needed, "question"), task.n_unpaired_needed, p.n_clusters);
  if (p.difference < 0 && p.n_clusters_needed <= p.n_clusters) needed += ": the observed loss itself is the reason";
  switch (p.verdict) {
    case Verdict::kNonInferior:
      return fmt::format(
          "Non-inferior at a margin of {:g} points: a larger loss than {:.2f} points is excluded "
          "(one-sided 5 %).",
          margin, std::max(0.0, -100 * p.lower_bound));
    case Verdict::kInferior:
      return fmt::format(
          "Inferior: the loss is larger than the margin of {:g} points (at least {:.2f}, one-sided 5 %).", margin,
          -100 * p.upper_bound);
    case Verdict::kNotShown:
      break;
  }
  return fmt::format(
      "Not shown at a margin of {:g} points: a loss of up to {:.2f} points fits these items (one-sided "
      "5 %). {}.",
      margin, -100 * p.lower_bound, needed);
}

LayerAgreement total_agreement(const std::vector<LayerAgreement>& layers) {
  LayerAgreement total;
  for (const LayerAgreement& layer : layers) total.n += layer.n;
  for (const LayerAgreement& layer : layers) {
    const double share = static_cast<double>(layer.n) / static_cast<double>(std::max<int64_t>(total.n, 1));
    total.equal += share * layer.equal;
    total.overlap += share * layer.overlap;
    total.jaccard += share * layer.jaccard;
  }
  return total;
}

std::string render_terminal(const EvalReport& report) {
  std::string text = systems_text(report.systems);
  if (report.comparison) text += comparison_text(*report.comparison);
  if (report.distribution) text += distribution_text(*report.distribution);
  return text;
}

}  // namespace drawbridge
