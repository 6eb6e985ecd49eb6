#include "cli/bench_serve_options.h"

#include <charconv>
#include <cmath>

namespace drawbridge {
namespace {

constexpr int64_t kDefaultRequests = 1000;
constexpr double kDefaultSearchSeconds = 30;

Status check_range(const char* option, double value, double least, double most) {
  if (value >= least && value <= most) return Status();
  return fail(Code::kInvalidArgument, "{}: wanted {} to {}, found {}", option, least, most, value);
}

void add_server_options(CLI::App& verb, BenchServeOptions& o) {
  verb.add_option("--url", o.url, "the server, such as http://127.0.0.1:8000: any that speaks OpenAI's API");
  verb.add_option("--model", o.model, "its name for the model; default: the first it lists");
  verb.add_option("--api-key", o.api_key, "the server's key");
  verb.add_option("--endpoint", o.endpoint, "chat or completions")->capture_default_str();
  verb.add_option("--timeout", o.timeout_s, "seconds without a byte after which a request has failed")
      ->capture_default_str();
  verb.add_option("--tokenizer", o.tokenizer, "directory of the model's tokenizer.json; default: ask the server");
}

void add_load_options(CLI::App& verb, BenchServeOptions& o) {
  verb.add_option("--rps", o.rates,
                  "open loop: requests a second, as 2 or 0.5,1,2; inf: all at once; auto: find the knee")
      ->delimiter(',');
  verb.add_option("--concurrency", o.concurrency, "closed loop: clients, as 16 or 1,4,16; with --rps: most under way")
      ->delimiter(',');
  verb.add_option("--burstiness", o.burstiness, "1: Poisson; below: bursts (gamma); above: more even; inf: constant")
      ->capture_default_str();
  verb.add_option("--num-prompts", o.n_requests, "requests of each point; default: 1000, or what --duration gives");
  verb.add_option("--duration", o.duration_s, "seconds in which requests of a point are due");
  verb.add_option("--num-warmups", o.n_warmups, "requests before each point, in no figure")->capture_default_str();
  verb.add_option("--max-errors", o.max_errors, "end after so many failed requests; 0: never")->capture_default_str();
  verb.add_flag("--ignore-eos", o.ignores_eos, "every answer as long as --output (not in OpenAI's API)");
}

void add_workload_options(CLI::App& verb, WorkloadOptions& w) {
  verb.add_option("--input", w.n_prompt, "tokens of a prompt, the chat template's included")->capture_default_str();
  verb.add_option("--output", w.n_output, "tokens of an answer; default: 128, or as the dataset says");
  verb.add_option("--range-ratio", w.range_ratio, "lengths are drawn from this part of them to all; 1: fixed")
      ->capture_default_str();
  verb.add_option("--cache-hit", w.cache_hit, "share of prompt tokens that the server has seen before")
      ->capture_default_str();
  verb.add_option("--cache-design", w.cache_design, "by one shared prefix, or per-conversation history[:TURNS]")
      ->capture_default_str();
  verb.add_option_function<std::string>(
          "--dataset",
          [&w](const std::string& text) {
            const size_t colon = std::min(text.find(':'), text.size());
            w.dataset = text.substr(0, colon);
            if (colon < text.size()) w.path = text.substr(colon + 1);
          },
          "random, or {mooncake,azure,sharegpt,prompts}:FILE; traces without a load run at their own times")
      ->default_str("random");
  verb.add_option("--trace-block-tokens", w.block_tokens, "of one of Mooncake's 512-token blocks as sent")
      ->capture_default_str();
  verb.add_option("--seed", w.seed, "of times and lengths; words differ in each run, so that no cache knows them")
      ->capture_default_str();
}

/// What users of sglang and vLLM paste; not in the help.
void add_aliases(CLI::App& verb, BenchServeOptions& o) {
  const std::string hidden;
  verb.add_option("--base-url", o.url)->group(hidden);
  verb.add_option("--request-rate", o.rates)->delimiter(',')->group(hidden);
  verb.add_option("--max-concurrency", o.concurrency)->delimiter(',')->group(hidden);
  verb.add_option("--input-len,--random-input-len,--random-input", o.workload.n_prompt)->group(hidden);
  verb.add_option("--output-len,--random-output-len,--random-output", o.workload.n_output)->group(hidden);
  verb.add_option("--random-range-ratio", o.workload.range_ratio)->group(hidden);
  verb.add_option("--dataset-name", o.workload.dataset)->group(hidden);
  verb.add_option("--dataset-path", o.workload.path)->group(hidden);
  verb.add_option("--warmup-requests", o.n_warmups)->group(hidden);
}

Status settle_endpoint(BenchServeOptions& o) {
  if (o.endpoint == "/v1/chat/completions") o.endpoint = "chat";
  if (o.endpoint == "/v1/completions") o.endpoint = "completions";
  if (o.endpoint == "chat" || o.endpoint == "completions") return Status();
  return fail(Code::kInvalidArgument, "--endpoint: wanted chat or completions, found {}", o.endpoint);
}

Status settle_dataset(WorkloadOptions& w) {
  if (w.dataset == "custom") w.dataset = "prompts";  // vLLM's name
  for (const char* known : {"random", "sharegpt", "mooncake", "azure", "prompts"}) {
    if (w.dataset == known) return check_workload_options(w);
  }
  return fail(Code::kInvalidArgument, "--dataset: wanted random, mooncake, azure, sharegpt or prompts, found {}",
              w.dataset);
}

/// Limits that are given replace the default.
Status settle_limits(BenchServeOptions& o) {
  o.report.seed = o.workload.seed;
  if (!o.limits.empty()) o.report.ttft_limit_s = 0;
  for (const std::string& text : o.limits) {
    const size_t colon = std::min(text.find(':'), text.size());
    const std::string name = text.substr(0, colon);
    double ms = 0;
    const char* end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data() + std::min(colon + 1, text.size()), end, ms);
    double* limit = name == "ttft"                    ? &o.report.ttft_limit_s
                    : name == "tpot"                  ? &o.report.tpot_limit_s
                    : name == "e2el" || name == "e2e" ? &o.report.e2e_limit_s
                                                      : nullptr;
    if (limit == nullptr || error != std::errc() || last != end || ms <= 0 || ms > 1e9) {
      return fail(Code::kInvalidArgument, "--goodput: wanted ttft:MS, tpot:MS or e2el:MS, found {}", text);
    }
    *limit = ms / 1000;
  }
  return Status();
}

bool is_search(const BenchServeOptions& o) {
  return o.rates.size() == 1 && o.rates[0] == "auto";
}

Result<double> parse_rate(const std::string& text) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  double rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (error == std::errc() && end == text.data() + text.size() && rate >= 1e-4 && rate <= 1e6) return rate;
  return fail(Code::kInvalidArgument, "--rps: wanted numbers from 0.0001 to 1000000, inf, or auto alone, found {}",
              text);
}

}  // namespace

void add_bench_serve_options(CLI::App& verb, BenchServeOptions& o) {
  add_server_options(verb, o);
  add_load_options(verb, o);
  add_workload_options(verb, o.workload);
  verb.add_option("--goodput", o.limits, "limits in ms that a p95 must meet: ttft:5000 tpot:50 e2el:60000")
      ->default_str("ttft:5000");
  verb.add_flag("--require-verdict", o.requires_pass, "exit code 1 unless the verdict is pass");
  verb.add_option("--out", o.out, "directory for report.json, report.html and the records of each point");
  add_aliases(verb, o);
}

Status settle_bench_serve(BenchServeOptions& o) {
  if (o.url.empty())
    return fail(Code::kInvalidArgument, "--url: wanted a server, as http://127.0.0.1:8000, found none");
  DB_TRY(settle_endpoint(o));
  DB_TRY(settle_dataset(o.workload));
  DB_TRY(settle_limits(o));
  DB_TRY(check_range("--burstiness", o.burstiness, 1e-3, std::numeric_limits<double>::infinity()));
  DB_TRY(check_range("--num-prompts", static_cast<double>(o.n_requests), 0, 1e6));
  DB_TRY(check_range("--duration", o.duration_s, 0, 7 * 86400));
  DB_TRY(check_range("--num-warmups", static_cast<double>(o.n_warmups), 0, 1e5));
  DB_TRY(check_range("--timeout", static_cast<double>(o.timeout_s), 1, 86400));
  DB_TRY(check_range("--max-errors", static_cast<double>(o.max_errors), 0, 1e9));
  for (const int64_t clients : o.concurrency) {
    DB_TRY(check_range("--concurrency", static_cast<double>(clients), 1, 60000));
  }
  if (o.n_requests == 0 && o.duration_s == 0) {
    if (is_search(o)) o.duration_s = kDefaultSearchSeconds;
    if (!is_search(o)) o.n_requests = kDefaultRequests;
  }
  if (o.rates.empty() && o.concurrency.empty() && !is_trace(o.workload)) {
    return fail(Code::kInvalidArgument,
                "bench serve: wanted a load: --rps for an open loop or --concurrency for a closed one, found neither");
  }
  o.workload.n_requests = o.n_requests > 0 ? o.n_requests + o.n_warmups : 0;
  o.workload.duration_s = o.duration_s;
  return Status();
}

Result<std::vector<SweepPoint>> sweep_points(const BenchServeOptions& o) {
  std::vector<SweepPoint> points;
  if (is_search(o)) return points;
  if (o.rates.empty() && o.concurrency.empty()) points.push_back({});
  // All at once under a bound, as sglang's and vLLM's benchmarks are often run, is a closed loop of that many clients.
  const bool is_closed = o.rates.empty() || (o.rates.size() == 1 && o.rates[0] == "inf" && !o.concurrency.empty());
  if (is_closed) {
    for (const int64_t clients : o.concurrency) points.push_back({0, clients});
    return points;
  }
  if (o.concurrency.size() > 1) {
    return fail(Code::kInvalidArgument, "--concurrency: wanted one bound beside --rps, found {}", o.concurrency.size());
  }
  for (const std::string& text : o.rates) {
    DB_ASSIGN(const double rate, parse_rate(text));
    points.push_back({rate, o.concurrency.empty() ? 0 : o.concurrency[0]});
  }
  return points;
}

Json options_json(const CLI::App& verb) {
  Json options = Json::object();
  for (const CLI::Option* option : verb.get_options()) {
    const std::string name = option->get_single_name();
    if (name == "api-key" || name == "help") continue;
    if (option->count() > 0) {
      const auto& values = option->results();
      if (values.size() == 1) options[name] = values[0];
      if (values.size() > 1) options[name] = values;
    } else if (!option->get_default_str().empty() && !option->get_group().empty()) {
      options[name] = option->get_default_str();
    }
  }
  return options;
}

}  // namespace drawbridge
