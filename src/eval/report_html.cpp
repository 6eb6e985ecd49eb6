#include <fmt/format.h>

#include <cmath>
#include <map>

#include "base/html_page.h"
#include "base/html_table.h"
#include "base/svg.h"
#include "eval/charts.h"
#include "eval/report.h"
#include "eval/tasks/needle.h"

namespace drawbridge {
namespace {

std::string count(int64_t n) {
  return fmt::format("{}", n);
}

std::string number(double value) {
  return fmt::format("{:.4f}", value);
}

std::string points(double share) {
  return fmt::format("{:+.2f}", 100 * share);
}

std::string key() {
  return "<p class=\"soft\"><span class=\"key baseline\">baseline</span> &nbsp; <span class=\"key "
         "candidate\">candidate</span></p>\n";
}

std::string systems_html(const std::vector<SystemResult>& systems) {
  if (systems.empty()) return "";
  HtmlTable table({"<System", "<Task", "Version", "<Filter", "n-shot", "<Metric", "Value", "Stderr", "Items",
                   "Truncated", "Failed"});
  std::vector<ScoreBar> bars;
  for (size_t i = 0; i < systems.size(); ++i) {
    for (const TaskResult& task : systems[i].tasks) {
      const TaskScore s = score_of(task);
      table.add({systems[i].label, task.task, count(task.version), task.filter, count(task.n_shot), task.metric,
                 number(s.value), number(s.standard_error), count(s.n_items), count(s.n_truncated), count(s.n_failed)});
      bars.push_back(
          {fmt::format("{} {}, {}", task.task, task.filter, systems[i].label), s.value, s.standard_error, i > 0});
    }
  }
  return html_heading(2, "Scores") + table.element() +
         html_paragraph(
             "Truncated and failed answers count as wrong. Bars show two standard errors, questions as clusters.") +
         (bars.empty() ? "" : key() + score_chart(bars));
}

std::string table_html(const DiscordantTable& t) {
  return fmt::format(
      "<table><tr><th></th><th>candidate right</th><th>candidate wrong</th></tr>\n"
      "<tr><th class=\"name\">baseline right</th><td>{}</td><td class=\"flip\">{}</td></tr>\n"
      "<tr><th class=\"name\">baseline wrong</th><td class=\"win\">{}</td><td>{}</td></tr></table>\n",
      t.both, t.only_baseline, t.only_candidate, t.neither);
}

std::string id_list(const std::string& title, const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : ", ") + id;
  return ids.empty() ? "" : html_folded(fmt::format("{} ({})", title, ids.size()), html_paragraph(text));
}

std::string verdict_class(Verdict verdict) {
  return verdict == Verdict::kNotShown ? "open" : verdict_name(verdict);
}

std::string task_html(const TaskComparison& task, const PairedOptions& options) {
  const PairedReport& p = task.paired;
  std::string html =
      html_heading(3, fmt::format("{} ({}, {}, {}-shot)", task.task, task.filter, task.metric, task.n_shot));
  html += fmt::format("<div class=\"verdict {}\">{}</div>\n", verdict_class(p.verdict),
                      escape_html(verdict_sentence(task, options)));
  HtmlTable table({"Baseline", "Candidate", "Difference, points", "<Interval", "p", "Answers changed"});
  table.add(
      {number(p.baseline), number(p.candidate), points(p.difference),
       fmt::format("{} to {} ({:g} %)", points(p.interval.low), points(p.interval.high), 100 * options.confidence),
       fmt::format("{:.3g}", p.p_value), fmt::format("{} of {}", task.n_changed_answers, p.n_items)});
  html += table.element();
  html += html_paragraph(
      p.method == PairedMethod::kScore
          ? "McNemar's exact test; score interval (Tango)."
          : fmt::format("{} items in {} clusters: sign flips and BCa bootstrap ({} resamples, seed {}) over "
                        "clusters.",
                        p.n_items, p.n_clusters, options.n_resamples, options.seed));
  if (p.table) html += table_html(*p.table);
  return html + id_list("Lost", task.lost) + id_list("Won", task.won);
}

std::string comparison_html(const Comparison& c) {
  std::vector<DifferenceRow> rows;
  for (const TaskComparison& task : c.tasks) {
    rows.push_back({task.task + " " + task.filter, task.paired.difference, task.paired.interval});
  }
  std::string html = html_heading(2, "Comparison, item by item") +
                     html_paragraph(c.candidate_label + " against the baseline " + c.baseline_label +
                                    fmt::format("; the dashed line is the margin of {:g} points, fixed beforehand.",
                                                100 * c.options.margin)) +
                     difference_chart(rows, c.options.margin);
  for (const TaskComparison& task : c.tasks) html += task_html(task, c.options);
  std::string notes;
  for (const std::string& note : c.notes) notes += "<li>" + escape_html(note) + "</li>\n";
  return notes.empty() ? html : html + html_heading(3, "Notes") + "<ul>\n" + notes + "</ul>\n";
}

/// One map for each system that answered needle items.
std::string needles_html(const std::vector<SystemResult>& systems) {
  std::string html;
  for (const SystemResult& system : systems) {
    for (const TaskResult& task : system.tasks) {
      std::map<std::pair<int64_t, int64_t>, HeatCell> cells;
      for (const ItemResult& item : task.items) {
        const auto place = needle_place(item.id);
        if (!place) continue;
        HeatCell& cell = cells[{place->length, place->depth_percent}];
        cell = {place->length, place->depth_percent, cell.score + item.score, cell.n + 1};
      }
      if (cells.empty()) continue;
      std::vector<HeatCell> list;
      for (const auto& [place, cell] : cells) list.push_back(cell);
      const std::string title = fmt::format("{}: share found, by tokens of the prompt", system.label);
      html += html_heading(3, title) + heat_map(title, list);
    }
  }
  return html.empty() ? "" : html_heading(2, "Needles") + html;
}

std::string kl_html(const DistributionReport& d) {
  HtmlTable table({"mean", "median", "p90", "p99", "max"});
  std::vector<std::string> cells;
  for (const double value : {d.kl.mean, d.kl.median, d.kl.p90, d.kl.p99, d.kl.max}) {
    cells.push_back(fmt::format("{:.3g}", value));
  }
  table.add(cells);
  return html_heading(3, "KL divergence, nats a prediction") + table.element() +
         (d.histogram.count.empty() ? "" : histogram_chart(d.histogram));
}

std::string buckets_html(const std::vector<PositionBucket>& buckets) {
  HtmlTable table({"<Positions", "Tokens", "Reference perplexity", "Candidate perplexity", "KL mean", "Top-1 equal"});
  for (const PositionBucket& b : buckets) {
    table.add({fmt::format("{}-{}", b.from, b.to - 1), count(b.n_tokens), number(std::exp(b.reference_nll)),
               number(std::exp(b.candidate_nll)), fmt::format("{:.3g}", b.kl_mean),
               fmt::format("{:.2f} %", 100 * b.top1)});
  }
  return html_heading(3, "By position in the window") + table.element();
}

std::string agreement_html(const std::string& title, const std::vector<LayerAgreement>& layers) {
  const LayerAgreement all = total_agreement(layers);
  if (all.n == 0)
    return html_heading(3, title) + html_paragraph("Nothing to compare: no window is long enough, or no such layer.");
  return html_heading(3, title) +
         html_paragraph(fmt::format("{:.2f} % of {} sets are equal; mean overlap {:.4f}, mean Jaccard index {:.4f}.",
                                    100 * all.equal, all.n, all.overlap, all.jaccard)) +
         "<p class=\"soft\"><span class=\"key baseline\">equal sets</span> &nbsp; <span class=\"key "
         "candidate\">Jaccard "
         "index</span></p>\n" +
         agreement_chart(title, layers);
}

std::string canaries_html(const std::vector<CanaryScore>& canaries) {
  if (canaries.empty()) return "";
  HtmlTable table({"Length", "Windows", "Reference, first", "second", "Candidate, first", "second", "KL, second"});
  for (const CanaryScore& c : canaries) {
    table.add({count(c.length), count(c.n_windows), fmt::format("{:.3f}", c.reference_first),
               fmt::format("{:.3f}", c.reference_second), fmt::format("{:.3f}", c.candidate_first),
               fmt::format("{:.3f}", c.candidate_second), fmt::format("{:.3g}", c.kl_second)});
  }
  return html_heading(3, "Canaries: random tokens met twice, mean log-probability in nats") + table.element();
}

std::string distribution_html(const DistributionReport& d) {
  std::string ratio = fmt::format("{:.5f}", d.candidate_perplexity / d.reference_perplexity);
  if (d.perplexity_ratio)
    ratio += fmt::format(" ({:.5f} to {:.5f})", d.perplexity_ratio->low, d.perplexity_ratio->high);
  HtmlTable table(
      {"Reference perplexity", "Candidate perplexity", "<Ratio (95 %)", "Top-1 equal", "Predictions", "Windows"});
  table.add({number(d.reference_perplexity), number(d.candidate_perplexity), ratio,
             fmt::format("{:.2f} %", 100 * d.top1), count(d.n_tokens), count(d.n_windows)});
  return html_heading(2, "Distance between the checkpoints") +
         html_paragraph(
             fmt::format("{} ({}) against the reference {} ({}), on {} in windows of {} tokens. A divergence ranks "
                         "coarse damage; small ones say little about accuracy.",
                         d.candidate, d.candidate_setting, d.reference, d.reference_setting, d.text, d.context)) +
         table.element() + kl_html(d) + buckets_html(d.buckets) + agreement_html("Experts chosen", d.experts) +
         agreement_html(fmt::format("Positions chosen by the indexer, from {} on", d.index_topk), d.indices) +
         canaries_html(d.canaries);
}

std::string manifests_html(const std::vector<SystemResult>& systems) {
  std::string html;
  for (const SystemResult& system : systems) {
    html +=
        html_folded("Manifest of " + system.label, "<pre>" + escape_html(pretty_json(system.manifest)) + "</pre>\n");
  }
  return html.empty() ? "" : html_heading(2, "How it was measured") + html;
}

std::string title_of(const EvalReport& report) {
  if (report.comparison) return report.comparison->candidate_label + " against " + report.comparison->baseline_label;
  if (!report.systems.empty()) return report.systems.front().label;
  return report.distribution ? report.distribution->candidate + " against " + report.distribution->reference : "";
}

}  // namespace

std::string render_html(const EvalReport& report) {
  std::string body;
  if (report.comparison) body += comparison_html(*report.comparison);
  body += systems_html(report.systems) + needles_html(report.systems);
  if (report.distribution) body += distribution_html(*report.distribution);
  body += manifests_html(report.systems);
  return html_page(title_of(report), "Evaluation report by drawbridge", body);
}

}  // namespace drawbridge
