// `drawbridge bench compare` and `drawbridge bench article`: measurements judged after the fact.
#include <iostream>

#include "base/mapped_file.h"
#include "cli/bench_verbs.h"
#include "verdict/compare.h"
#include "verdict/published.h"

namespace drawbridge {
namespace {

struct CompareOptions {
  std::string baseline;
  std::string candidate;
  uint64_t seed = 0;
  bool json = false;
};

/// A report holds samples of every request.
Result<Json> read_measurement(const std::string& path) {
  const JsonLimits limits{256u << 20, 64, 1024, 1u << 20};
  DB_ASSIGN(const std::string text, read_text_file(path, limits.max_bytes));
  return parse_json(text, path, limits);
}

Status run_bench_compare(const CompareOptions& o) {
  DB_ASSIGN(const Json baseline, read_measurement(o.baseline));
  DB_ASSIGN(const Json candidate, read_measurement(o.candidate));
  DB_ASSIGN(const MeasurementComparison comparison,
            compare_measurements(baseline, o.baseline, candidate, o.candidate, o.seed));
  std::cout << (o.json ? pretty_json(comparison_json(comparison)) : comparison_text(comparison));
  return Status();
}

struct ArticleOptions {
  std::string file;
  bool json = false;
};

Status run_bench_article(const ArticleOptions& o) {
  DB_ASSIGN(PublishedTable table, read_published(o.file));
  const PublishedReport report = judge_published(std::move(table));
  std::cout << (o.json ? pretty_json(published_json(report)) : published_text(report));
  return Status();
}

}  // namespace

void add_bench_compare(CLI::App& bench, Action& action) {
  CLI::App* verb = bench.add_subcommand("compare", "ratios of two results, with intervals");
  const auto o = std::make_shared<CompareOptions>();
  verb->add_option("baseline", o->baseline, "report of `bench serve`, or JSON of `bench engine`")->required();
  verb->add_option("candidate", o->candidate, "another one of the same workload")->required();
  verb->add_option("--seed", o->seed, "of the bootstrap")->capture_default_str();
  verb->add_flag("--json", o->json, "one JSON object");
  verb->callback([o, &action] { action = [o] { return run_bench_compare(*o); }; });
}

void add_bench_article(CLI::App& bench, Action& action) {
  CLI::App* verb = bench.add_subcommand("article", "what published rows of a load test can and cannot show");
  const auto o = std::make_shared<ArticleOptions>();
  verb->add_option("file", o->file, "rows as JSON")->required();
  verb->add_flag("--json", o->json, "one JSON object");
  verb->callback([o, &action] { action = [o] { return run_bench_article(*o); }; });
}

}  // namespace drawbridge
