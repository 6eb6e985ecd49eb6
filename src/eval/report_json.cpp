#include "eval/report.h"

namespace drawbridge {
namespace {

Json interval_json(const Interval& interval) {
  return Json::array({interval.low, interval.high});
}

Json score_json(const TaskScore& score) {
  return {{"value", score.value},
          {"stderr", score.standard_error},
          {"n_items", score.n_items},
          {"n_truncated", score.n_truncated},
          {"n_failed", score.n_failed}};
}

Json system_json(const SystemResult& system) {
  Json tasks = Json::array();
  for (const TaskResult& task : system.tasks) {
    Json row = {{"task", task.task},
                {"version", task.version},
                {"filter", task.filter},
                {"n_shot", task.n_shot},
                {"metric", task.metric}};
    row.update(score_json(score_of(task)));
    tasks.push_back(std::move(row));
  }
  return {{"label", system.label}, {"manifest", system.manifest}, {"tasks", std::move(tasks)}};
}

Json paired_json(const PairedReport& p) {
  Json json = {{"method", p.method == PairedMethod::kScore ? "mcnemar" : "cluster_bootstrap"},
               {"n_items", p.n_items},
               {"n_clusters", p.n_clusters},
               {"difference", p.difference},
               {"interval", interval_json(p.interval)},
               {"lower_bound_5_percent", p.lower_bound},
               {"upper_bound_5_percent", p.upper_bound},
               {"p_value", p.p_value},
               {"mid_p", p.mid_p ? Json(*p.mid_p) : Json()},
               {"discordance", p.discordance},
               {"verdict", verdict_name(p.verdict)},
               {"n_clusters_needed", p.n_clusters_needed}};
  if (!p.table) return json;
  json["table"] = {{"both", p.table->both},
                   {"only_baseline", p.table->only_baseline},
                   {"only_candidate", p.table->only_candidate},
                   {"neither", p.table->neither}};
  return json;
}

Json comparison_json(const Comparison& comparison) {
  Json tasks = Json::array();
  for (const TaskComparison& task : comparison.tasks) {
    tasks.push_back({{"task", task.task},
                     {"version", task.version},
                     {"filter", task.filter},
                     {"n_shot", task.n_shot},
                     {"metric", task.metric},
                     {"baseline", score_json(task.baseline)},
                     {"candidate", score_json(task.candidate)},
                     {"paired", paired_json(task.paired)},
                     {"n_unpaired_needed", task.n_unpaired_needed},
                     {"n_changed_answers", task.n_changed_answers},
                     {"lost", task.lost},
                     {"won", task.won}});
  }
  const PairedOptions& o = comparison.options;
  return {{"baseline", comparison.baseline_label},
          {"candidate", comparison.candidate_label},
          {"margin", o.margin},
          {"confidence", o.confidence},
          {"n_resamples", o.n_resamples},
          {"seed", o.seed},
          {"tasks", std::move(tasks)},
          {"notes", comparison.notes}};
}

Json agreement_json(const std::vector<LayerAgreement>& layers) {
  const auto row = [](const LayerAgreement& a) {
    return Json{{"n", a.n}, {"equal", a.equal}, {"overlap", a.overlap}, {"jaccard", a.jaccard}};
  };
  Json all = row(total_agreement(layers));
  all["layers"] = Json::array();
  for (const LayerAgreement& layer : layers) {
    Json one = row(layer);
    one["layer"] = layer.layer;
    all["layers"].push_back(std::move(one));
  }
  return all;
}

Json buckets_json(const std::vector<PositionBucket>& buckets) {
  Json rows = Json::array();
  for (const PositionBucket& b : buckets) {
    rows.push_back({{"from", b.from},
                    {"to", b.to},
                    {"n_tokens", b.n_tokens},
                    {"reference_nll", b.reference_nll},
                    {"candidate_nll", b.candidate_nll},
                    {"kl_mean", b.kl_mean},
                    {"top1_equal", b.top1}});
  }
  return rows;
}

Json canaries_json(const std::vector<CanaryScore>& canaries) {
  Json rows = Json::array();
  for (const CanaryScore& c : canaries) {
    rows.push_back({{"length", c.length},
                    {"n_windows", c.n_windows},
                    {"reference_first", c.reference_first},
                    {"reference_second", c.reference_second},
                    {"candidate_first", c.candidate_first},
                    {"candidate_second", c.candidate_second},
                    {"kl_second", c.kl_second}});
  }
  return rows;
}

Json distribution_json(const DistributionReport& d) {
  return {{"reference", d.reference},
          {"candidate", d.candidate},
          {"text", d.text},
          {"reference_setting", d.reference_setting},
          {"candidate_setting", d.candidate_setting},
          {"index_topk", d.index_topk},
          {"context", d.context},
          {"n_windows", d.n_windows},
          {"n_tokens", d.n_tokens},
          {"reference_perplexity", d.reference_perplexity},
          {"candidate_perplexity", d.candidate_perplexity},
          {"perplexity_ratio_95", d.perplexity_ratio ? interval_json(*d.perplexity_ratio) : Json()},
          {"kl",
           {{"mean", d.kl.mean},
            {"median", d.kl.median},
            {"p90", d.kl.p90},
            {"p99", d.kl.p99},
            {"max", d.kl.max},
            {"histogram_edges", d.histogram.edge},
            {"histogram_counts", d.histogram.count}}},
          {"top1_equal", d.top1},
          {"positions", buckets_json(d.buckets)},
          {"experts", agreement_json(d.experts)},
          {"indices", agreement_json(d.indices)},
          {"canaries", canaries_json(d.canaries)}};
}

}  // namespace

Json render_json(const EvalReport& report) {
  Json json = {{"format", "drawbridge-eval-report-1"}, {"systems", Json::array()}};
  for (const SystemResult& system : report.systems) json["systems"].push_back(system_json(system));
  if (report.comparison) json["comparison"] = comparison_json(*report.comparison);
  if (report.distribution) json["distribution"] = distribution_json(*report.distribution);
  return json;
}

}  // namespace drawbridge
