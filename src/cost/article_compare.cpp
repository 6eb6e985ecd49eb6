#include "cost/article_compare.h"

#include <algorithm>

#include "base/json_members.h"
#include "base/text_table.h"
#include "cost/dollars.h"

namespace drawbridge {
namespace {

Result<ArticleArm> read_arm(const Json& json, const char* key, const std::string& source) {
  const std::string where = source + ": " + key;
  DB_ASSIGN(const Json* object, member(json, key, source));
  ArticleArm arm;
  DB_ASSIGN(arm.accelerator, string_member(*object, "accelerator", where));
  DB_ASSIGN(arm.requests_per_second, number_member(*object, "requests_per_second", where));
  DB_ASSIGN(arm.output_per_second, number_member(*object, "output_tokens_per_second", where));
  return arm;
}

/// An hour of the article's workload: its requests at their designed lengths.
Arm arm_of(const CostArticle& article, const ArticleArm& published, const std::string& priced_as) {
  Arm arm;
  arm.device = published.accelerator;
  arm.priced_as = priced_as;
  arm.n_per_node = article.n_per_node;
  arm.run.name = "published";
  arm.run.device = published.accelerator;
  arm.run.duration_s = 3600;
  arm.run.n_requests = published.requests_per_second * arm.run.duration_s;
  arm.run.input_tokens = arm.run.n_requests * article.input_tokens;
  arm.run.cached_tokens = arm.run.input_tokens * article.cached_share;
  arm.run.output_tokens = arm.run.n_requests * article.output_tokens;
  return arm;
}

const ComparedBasis* find_basis(const std::optional<CostComparison>& comparison, const std::string& name) {
  if (!comparison) return nullptr;
  const auto found = std::find_if(comparison->bases.begin(), comparison->bases.end(),
                                  [&](const ComparedBasis& row) { return row.basis == name; });
  return found == comparison->bases.end() ? nullptr : &*found;
}

std::string head_text(const CostArticle& a) {
  return fmt::format(
      "{} ({}, {})\n"
      "{:.0f} tokens in, {:.0f} % of them cached, {:.0f} out, nodes of {}:\n"
      "  {}: {:.2f} requests/s ({:.0f} output tokens/s printed)\n"
      "  {}: {:.2f} requests/s ({:.0f} output tokens/s printed)\n"
      "Claimed: over {:.0f}x cheaper, from a price per accelerator {:.2f} times lower than {}'s.\n",
      a.title, a.from.source, a.from.date, a.input_tokens, 100 * a.cached_share, a.output_tokens, a.n_per_node,
      a.candidate.accelerator, a.candidate.requests_per_second, a.candidate.output_per_second, a.baseline.accelerator,
      a.baseline.requests_per_second, a.baseline.output_per_second, a.claimed_cheaper, a.claimed_price_ratio,
      a.claimed_against);
}

std::string table_text(const ArticleCost& cost) {
  const CostArticle& a = cost.article;
  const std::string mixed = fmt::format("{} at {}'s price", a.baseline.accelerator, a.claimed_against);
  std::vector<std::string> headings = {"<Price basis", a.candidate.accelerator + ", $/M output",
                                       a.baseline.accelerator + ", $/M output", "cheaper by"};
  if (cost.mixed) headings.insert(headings.end(), {mixed, "mixed ratio"});
  TextTable table(std::move(headings));
  for (const ComparedBasis& row : cost.like_for_like.bases) {
    std::vector<std::string> cells = {row.title, format_dollars(row.per_million_output_a),
                                      format_dollars(row.per_million_output_b), fmt::format("{:.2f}x", row.by_request)};
    if (cost.mixed) {
      const ComparedBasis* other = find_basis(cost.mixed, row.basis);
      cells.push_back(other ? format_dollars(other->per_million_output_b) : "-");
      cells.push_back(other ? fmt::format("{:.2f}x", other->by_request) : "-");
    }
    table.add(std::move(cells));
  }
  return table.text();
}

double largest_ratio(const CostComparison& comparison) {
  double largest = 0;
  for (const ComparedBasis& row : comparison.bases) largest = std::max(largest, row.by_request);
  return largest;
}

double smallest_ratio(const CostComparison& comparison) {
  double smallest = comparison.bases.front().by_request;
  for (const ComparedBasis& row : comparison.bases) smallest = std::min(smallest, row.by_request);
  return smallest;
}

std::string verdict_text(const ArticleCost& cost) {
  const CostArticle& a = cost.article;
  std::string text = fmt::format("\nA request on {} costs {:.2f} to {:.2f} times one on {}, by the price basis.",
                                 a.baseline.accelerator, smallest_ratio(cost.like_for_like),
                                 largest_ratio(cost.like_for_like), a.candidate.accelerator);
  if (cost.mixed) {
    text += fmt::format(" {:.1f}x needs {}'s price over {}'s throughput, which is the cost of neither.",
                        largest_ratio(*cost.mixed), a.claimed_against, a.baseline.accelerator);
  } else {
    text += fmt::format(
        " The claim takes the price of {} and the throughput of {}, which is the cost of neither: "
        "--allow-mixed-hardware shows what it gives.",
        a.claimed_against, a.baseline.accelerator);
  }
  text += fmt::format("\nBy the printed tokens a second instead of requests: each ratio times {:.3f}.\n",
                      cost.by_printed_tokens);
  const CostComparison& c = cost.like_for_like;
  if (c.energy_a && c.energy_b) {
    text += fmt::format("Output tokens per kJ of board power: {} {:.0f}, {} {:.0f}: {:.2f}x better on {}.\n",
                        a.candidate.accelerator, c.energy_a->output_per_kilojoule, a.baseline.accelerator,
                        c.energy_b->output_per_kilojoule,
                        c.energy_b->output_per_kilojoule / c.energy_a->output_per_kilojoule, a.baseline.accelerator);
  }
  return text;
}

}  // namespace

Result<CostArticle> read_cost_article(std::string_view text, const std::string& source) {
  DB_ASSIGN(const Json json, parse_json(text, source));
  CostArticle article;
  DB_ASSIGN(article.title, string_member(json, "title", source));
  DB_ASSIGN(article.from, read_provenance(json, {}, source));
  DB_TRY(check_provenance(article.from, source));
  DB_ASSIGN(article.input_tokens, number_member(json, "input_tokens", source));
  DB_ASSIGN(article.cached_share, number_member(json, "cached_share", source));
  DB_ASSIGN(article.output_tokens, number_member(json, "output_tokens", source));
  DB_ASSIGN(article.n_per_node, count_member(json, "accelerators_per_node", source));
  DB_ASSIGN(article.candidate, read_arm(json, "candidate", source));
  DB_ASSIGN(article.baseline, read_arm(json, "baseline", source));
  DB_ASSIGN(const Json* claimed, member(json, "claimed", source));
  DB_ASSIGN(article.claimed_cheaper, number_member(*claimed, "cheaper", source));
  DB_ASSIGN(article.claimed_price_ratio, number_member(*claimed, "price_ratio", source));
  DB_ASSIGN(article.claimed_against, string_member(*claimed, "price_ratio_against", source));
  return article;
}

Result<ArticleCost> recompute_article_cost(const Catalog& catalog, const CostArticle& article, bool allow_mixed) {
  const Arm a = arm_of(article, article.candidate, article.candidate.accelerator);
  const Arm b = arm_of(article, article.baseline, article.baseline.accelerator);
  DB_ASSIGN(CostComparison like_for_like, compare_arms(catalog, a, b, false));
  ArticleCost cost{article, std::move(like_for_like), std::nullopt, 1};
  const double per_request_a = article.candidate.output_per_second / article.candidate.requests_per_second;
  const double per_request_b = article.baseline.output_per_second / article.baseline.requests_per_second;
  cost.by_printed_tokens = per_request_a / per_request_b;
  if (!allow_mixed) return cost;
  DB_ASSIGN(CostComparison mixed,
            compare_arms(catalog, a, arm_of(article, article.baseline, article.claimed_against), true));
  cost.mixed = std::move(mixed);
  return cost;
}

std::string article_cost_text(const ArticleCost& cost) {
  return head_text(cost.article) + "\n" + table_text(cost) + verdict_text(cost);
}

Json article_cost_json(const ArticleCost& cost) {
  Json json = {{"article", cost.article.from.source},
               {"date", cost.article.from.date},
               {"claimed_cheaper", cost.article.claimed_cheaper},
               {"like_for_like", cost_comparison_json(cost.like_for_like)},
               {"factor_by_printed_tokens", cost.by_printed_tokens}};
  if (cost.mixed) json["mixed_hardware"] = cost_comparison_json(*cost.mixed);
  return json;
}

}  // namespace drawbridge
