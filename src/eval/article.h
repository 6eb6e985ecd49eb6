// The published evaluation of GLM-5.2 in MXFP4 against FP8 (https://www.wafer.ai/blog/glm52-amd), recomputed from its
// printed numbers: what its three rows can exclude, and what they cannot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "stats/proportions.h"

namespace drawbridge {

/// One way to read a row: what was assumed, and what follows.
struct ArticleReading {
  std::string assumption;
  DifferenceTest test;
};

struct ArticleRow {
  std::string task;
  double baseline = 0;   // as printed
  double candidate = 0;  // as printed
  std::vector<ArticleReading> readings;
  std::vector<std::string> remarks;
};

/// Questions that would exclude a loss, for one-sided 5 % and power 80 %.
struct ArticleSampleSize {
  double accuracy = 0;
  double margin = 0;
  double discordance = 0;
  int64_t n_unpaired = 0;
  int64_t n_paired = 0;
};

struct Article {
  std::vector<ArticleRow> rows;
  std::vector<ArticleSampleSize> needed;
};

Article recompute_article();

std::string article_text(const Article& article);
Json article_json(const Article& article);

}  // namespace drawbridge
