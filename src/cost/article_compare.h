// The published "over 2x cheaper than Blackwell" (catalog/article.json), recomputed from its own inputs: the rates of
// requests that it measured on both devices, and what those devices cost on each price basis.
//
// The claim itself divides a throughput measured on B200 by the price of a B300. That product is the cost of neither
// machine, so it is computed only when mixed hardware is allowed.
#pragma once

#include "cost/compare.h"

namespace drawbridge {

struct ArticleArm {
  std::string accelerator;
  double requests_per_second = 0;
  double output_per_second = 0;  // as printed
};

struct CostArticle {
  std::string title;
  Provenance from;
  double input_tokens = 0, cached_share = 0, output_tokens = 0;  // of a request
  int64_t n_per_node = 0;
  ArticleArm candidate, baseline;
  double claimed_cheaper = 0;
  double claimed_price_ratio = 0;
  std::string claimed_against;  // the device whose price the ratio is of
};

Result<CostArticle> read_cost_article(std::string_view text, const std::string& source);

struct ArticleCost {
  CostArticle article;
  CostComparison like_for_like;
  std::optional<CostComparison> mixed;  // the baseline's throughput at the price of `claimed_against`
  double by_printed_tokens = 1;         // what the printed tok/s would make of a ratio by requests, as a factor
};

Result<ArticleCost> recompute_article_cost(const Catalog& catalog, const CostArticle& article, bool allow_mixed);

std::string article_cost_text(const ArticleCost& cost);
Json article_cost_json(const ArticleCost& cost);

}  // namespace drawbridge
