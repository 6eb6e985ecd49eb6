// `drawbridge cost compare`: two runs on their own hardware's prices, or the published comparison recomputed.
#include <iostream>

#include "cli/cost_verbs.h"
#include "cost/article_compare.h"
#include "cost/catalog_files.h"

namespace drawbridge {
namespace {

struct CompareOptions {
  std::vector<std::string> arms;
  bool article = false;
  int64_t n_per_node = 8;
  std::string catalog;
  bool allow_mixed = false;
  bool json = false;
};

/// "FILE@DEVICE", or "FILE@DEVICE=DEVICE" for the price of another device.
Result<Arm> read_arm(const std::string& text, const CompareOptions& o, const Catalog& catalog) {
  const size_t at = text.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    return fail(Code::kInvalidArgument, "cost compare: wanted FILE@DEVICE, found '{}'", text);
  }
  Arm arm;
  arm.device = text.substr(at + 1);
  arm.priced_as = arm.device;
  if (const size_t equals = arm.device.find('='); equals != std::string::npos) {
    arm.priced_as = arm.device.substr(equals + 1);
    arm.device.resize(equals);
  }
  DB_TRY(catalog.accelerator(arm.device).status());
  arm.n_per_node = o.n_per_node;
  DB_ASSIGN(arm.run, read_bench_figures(text.substr(0, at)));
  return arm;
}

Status compare_article(const CompareOptions& o, const Catalog& catalog) {
  DB_ASSIGN(const CostArticle article, read_cost_article(kArticleJson, "catalog/article.json"));
  DB_ASSIGN(const ArticleCost cost, recompute_article_cost(catalog, article, o.allow_mixed));
  std::cout << (o.json ? pretty_json(article_cost_json(cost)) : article_cost_text(cost));
  return {};
}

Status run_cost_compare(const CompareOptions& o) {
  DB_ASSIGN(const Catalog catalog, load_catalog(o.catalog));
  if (o.article || o.arms.empty()) {
    if (o.arms.empty()) return compare_article(o, catalog);
    return fail(Code::kInvalidArgument, "cost compare: found --article beside results, wanted one");
  }
  if (o.arms.size() != 2) {
    return fail(Code::kInvalidArgument, "cost compare: wanted two results, found {}", o.arms.size());
  }
  DB_ASSIGN(const Arm a, read_arm(o.arms[0], o, catalog));
  DB_ASSIGN(const Arm b, read_arm(o.arms[1], o, catalog));
  DB_ASSIGN(const CostComparison comparison, compare_arms(catalog, a, b, o.allow_mixed));
  std::cout << (o.json ? pretty_json(cost_comparison_json(comparison)) : cost_comparison_text(comparison));
  return {};
}

}  // namespace

void add_cost_compare(CLI::App& cost, Action& action) {
  CLI::App* verb = cost.add_subcommand("compare", "two runs on every price basis that has both devices");
  const auto o = std::make_shared<CompareOptions>();
  verb->add_option("results", o->arms, "two of FILE@DEVICE; FILE@DEVICE=OTHER takes the price of another device");
  verb->add_flag("--article", o->article, "the published '2x cheaper than Blackwell' recomputed; the default");
  verb->add_option("--gpus-per-node", o->n_per_node, "accelerators that served each run")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  verb->add_option("--catalog", o->catalog, "directory with your own accelerators.json, prices.json, models.json");
  verb->add_flag("--allow-mixed-hardware", o->allow_mixed, "price one device's throughput as another");
  verb->add_flag("--json", o->json, "one JSON object");
  verb->callback([o, &action] { action = [o] { return run_cost_compare(*o); }; });
}

}  // namespace drawbridge
