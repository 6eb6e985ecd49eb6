#include "server/metrics.h"

#include <algorithm>
#include <vector>

#include "engine/generate.h"

namespace drawbridge {
namespace {

std::vector<double> seconds_bounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5,
          0.75,  1,      2.5,   5,    7.5,  10,   20,   40,    60,  120,  300, 600};
}

std::vector<double> token_bounds() {
  return {1, 4, 16, 64, 256, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576};
}

/// A family of ours and vLLM's by the names that others give it.
struct Alias {
  std::string_view name;
  std::string_view alias;
};
constexpr Alias kAliases[] = {
    {"num_requests_running", "sglang:num_running_reqs"},
    {"num_requests_running", "llamacpp:requests_processing"},
    {"num_requests_waiting", "sglang:num_queue_reqs"},
    {"num_requests_waiting", "llamacpp:requests_deferred"},
    {"kv_cache_usage_perc", "sglang:token_usage"},
    {"kv_cache_usage_perc", "llamacpp:kv_cache_usage_ratio"},
    {"prompt_tokens_total", "sglang:prompt_tokens_total"},
    {"prompt_tokens_total", "llamacpp:prompt_tokens_total"},
    {"generation_tokens_total", "sglang:generation_tokens_total"},
    {"generation_tokens_total", "llamacpp:tokens_predicted_total"},
    {"time_to_first_token_seconds", "sglang:time_to_first_token_seconds"},
    {"inter_token_latency_seconds", "sglang:inter_token_latency_seconds"},
    {"e2e_request_latency_seconds", "sglang:e2e_request_latency_seconds"},
};

/// A family under every name that it has.
class Page {
 public:
  explicit Page(Labels common) : text_(std::move(common)) {}

  template <typename Samples>
  void shared(const std::string& name, std::string_view type, std::string_view help, Samples samples) {
    std::vector<std::string> names = {"drawbridge:" + name, "vllm:" + name};
    for (const Alias& other : kAliases) {
      if (other.name == name) names.emplace_back(other.alias);
    }
    for (const std::string& each : names) {
      text_.family(each, type, help);
      samples(text_);
    }
  }
  void shared(const std::string& name, std::string_view type, std::string_view help, double value) {
    shared(name, type, help, [value](PrometheusText& text) { text.sample(value); });
  }
  void shared(const std::string& name, std::string_view help, const Histogram& histogram) {
    shared(name, "histogram", help, [&](PrometheusText& text) { text.histogram(histogram); });
  }
  void own(const std::string& name, std::string_view type, std::string_view help, double value) {
    text_.family("drawbridge:" + name, type, help);
    text_.sample(value);
  }
  PrometheusText& text() { return text_; }

 private:
  PrometheusText text_;
};

void add_clipping(Page& page, const std::vector<KvClipping>& layers) {
  const auto family = [&](const std::string& name, std::string_view help, int64_t KvClipping::*count) {
    page.text().family("drawbridge:" + name, "counter", help);
    for (size_t i = 0; i < layers.size(); ++i) {
      page.text().sample(static_cast<double>(layers[i].*count), {{"layer", fmt::format("{}", i)}});
    }
  };
  family("kv_written_values_total", "Values stored in an FP8 cache.", &KvClipping::n_written);
  family("kv_clipped_values_total", "Of them beyond what their layer's scale can hold.", &KvClipping::n_clipped);
}

/// Where the plans of products came from. Without products that are planned there is no share.
void add_plans(Page& page, const std::vector<PlanTokens>& plans) {
  int64_t total = 0;
  for (const PlanTokens& plan : plans) total += plan.last_hour;
  page.text().family("drawbridge:tuned_tokens_total", "counter",
                     "Tokens through products, by where the product's plan came from.");
  for (const PlanTokens& plan : plans) {
    page.text().sample(static_cast<double>(plan.since_start), {{"origin", plan.origin}});
  }
  page.text().family("drawbridge:tuned_tokens_ratio", "gauge", "The same as shares of the last 60 minutes.");
  for (const PlanTokens& plan : plans) {
    const double share = static_cast<double>(plan.last_hour) / static_cast<double>(std::max(total, int64_t{1}));
    if (total > 0) page.text().sample(share, {{"origin", plan.origin}});
  }
}

void add_engine(Page& page, const EngineStats& s) {
  const auto number = [](int64_t n) { return static_cast<double>(n); };
  const double used = number(s.n_pages_total - s.n_pages_free);
  page.shared("num_requests_running", "gauge", "Requests in the current steps.", number(s.n_running));
  page.shared("num_requests_waiting", "gauge", "Requests that wait for pages.", number(s.n_waiting));
  page.shared("kv_cache_usage_perc", "gauge", "Part of the cache's pages in use, 0 to 1.",
              s.n_pages_total > 0 ? used / number(s.n_pages_total) : 0);
  page.shared("prompt_tokens_total", "counter", "Prompt tokens accepted.", number(s.n_prompt_tokens));
  page.shared("generation_tokens_total", "counter", "Tokens sampled.", number(s.n_generated_tokens));
  page.shared("prefix_cache_queries_total", "counter", "Prompt tokens looked up in the prefix cache.",
              number(s.n_prompt_tokens));
  page.shared("prefix_cache_hits_total", "counter", "Prompt tokens found there.", number(s.n_cached_tokens));
  page.text().family("sglang:cached_tokens_total", "counter", "Prompt tokens found in the prefix cache.");
  page.text().sample(number(s.n_cached_tokens), {{"cache_source", "device"}});
  page.shared("num_preemptions_total", "counter", "Requests that gave up their pages and started again.",
              number(s.n_preempted));
  page.own("kv_pages", "gauge", "Pages of the cache.", number(s.n_pages_total));
  page.own("kv_pages_free", "gauge", "Pages that no request holds.", number(s.n_pages_free));
  page.own("kv_pages_cached", "gauge", "Pages of the prefix cache.", number(s.n_pages_cached));
  page.own("kv_pages_pinned", "gauge", "Of these, pages that a running request holds.", number(s.n_pages_pinned));
  page.own("kv_pages_kept", "gauge", "Of these, pages held for conversations that are likely to go on.",
           number(s.n_pages_kept));
  page.own("kv_working_set_ratio", "gauge",
           "Pages held or expected to be wanted again, for each page; above 1, prefixes will be computed again.",
           s.kv_working_set_ratio);
  page.own("kv_evictions_total", "counter", "Pages taken out of the prefix cache.", number(s.n_evictions));
  add_clipping(page, s.kv_layers);
  add_plans(page, s.plan_tokens);
  page.own("engine_steps_total", "counter", "Steps computed.", number(s.n_steps));
  page.text().family("drawbridge:engine_busy_seconds_total", "counter",
                     "Seconds of steps, by the kind of the tokens that took them.");
  page.text().sample(s.busy_input_s, {{"kind", "input"}});
  page.text().sample(s.busy_output_s, {{"kind", "output"}});
}

void add_rates(Page& page, const Rates& rates, const std::string& basis) {
  const auto sample = [&](const std::optional<double>& dollars, const char* kind) {
    if (dollars) page.text().sample(*dollars, {{"kind", kind}, {"basis", basis}});
  };
  sample(rates.uncached, "input");
  sample(rates.cached, "cached");
  sample(rates.output, "output");
}

void add_cost(Page& page, const MachinePrice& price, const LiveRates& rates) {
  page.text().family("drawbridge:cost_dollars_per_million_tokens", "gauge",
                     "Since start, on the busy and the reserved basis.");
  add_rates(page, rates.busy, "busy");
  add_rates(page, rates.reserved, "reserved");
  const Figure& hour = price.dollars_per_hour;
  page.text().family("drawbridge:cost_machine_dollars_per_hour", "gauge", "What the machine is paid, as stated.");
  page.text().sample(hour.value,
                     {{"price_basis", price.basis}, {"source", hour.from.source}, {"date", hour.from.date}});
}

void add_server(Page& page, const ServerState& s) {
  page.own("engine_up", "gauge", "1 while the engine takes requests.", s.engine_works ? 1 : 0);
  page.own("draining", "gauge", "1 from SIGTERM on.", s.draining ? 1 : 0);
  page.own("api_keys", "gauge", "API keys in force.", static_cast<double>(s.n_keys));
  page.own("api_keys_fresh", "gauge", "0 while the key files are bad and older keys are in force.",
           s.keys_fresh ? 1 : 0);
  page.own("engine_buffers_after_ready_total", "counter",
           "Buffers for weights, caches and steps that were allocated after the server was ready.",
           static_cast<double>(s.n_buffers_since_ready));
}

void add_model(Page& page, const ModelCard& card) {
  page.own("model_weight_bytes", "gauge", "Bytes of the checkpoint.", static_cast<double>(card.weight_bytes));
  page.own("model_max_context_tokens", "gauge", "Tokens that a request may have.",
           static_cast<double>(card.max_context));
  page.own("model_kv_bytes_per_token", "gauge", "Cache bytes of one token over all layers.",
           static_cast<double>(card.kv_bytes_per_token));
  page.text().family("drawbridge:model_info", "gauge", "The loaded model.");
  page.text().sample(1, {{"architecture", card.architecture},
                         {"backend", card.backend},
                         {"kv_cache_dtype", card.kv_cache_dtype},
                         {"activation", card.activation}});
  page.text().family("drawbridge:model_notice_info", "gauge", "What is unusual about the loaded model.");
  for (const std::string& notice : card.notices) page.text().sample(1, {{"notice", notice}});
}

}  // namespace

Metrics::Metrics(std::optional<MachinePrice> price)
    : price_(std::move(price)),
      time_to_first_token_(seconds_bounds()),
      inter_token_(seconds_bounds()),
      end_to_end_(seconds_bounds()),
      decode_(seconds_bounds()),
      prompt_tokens_(token_bounds()),
      generation_tokens_(token_bounds()) {
  for (const FinishReason reason :
       {FinishReason::kStop, FinishReason::kLength, FinishReason::kCancelled, FinishReason::kError}) {
    n_finished_[finish_reason_name(reason)] = 0;
  }
}

void Metrics::first_token(double seconds_since_arrival) {
  const std::lock_guard lock(mutex_);
  time_to_first_token_.observe(seconds_since_arrival);
}

void Metrics::next_token(double seconds_since_last) {
  const std::lock_guard lock(mutex_);
  inter_token_.observe(seconds_since_last);
}

void Metrics::end(const Finish& finish, double seconds_since_arrival, double seconds_since_first_token) {
  const std::lock_guard lock(mutex_);
  if (finish.usage.n_completion > 0) decode_.observe(seconds_since_first_token);
  end_to_end_.observe(seconds_since_arrival);
  prompt_tokens_.observe(static_cast<double>(finish.usage.n_prompt));
  generation_tokens_.observe(static_cast<double>(finish.usage.n_completion));
  ++n_finished_[finish_reason_name(finish.reason)];
}

void Metrics::response(int http_status) {
  const std::lock_guard lock(mutex_);
  ++n_responses_[http_status];
}

std::string Metrics::page(const EngineStats& stats, const ModelCard& card, const std::string& model_name,
                          const ServerState& server) const {
  Page page({{"model_name", model_name}});
  add_engine(page, stats);
  add_server(page, server);
  add_model(page, card);
  if (price_) {
    const std::chrono::duration<double> uptime = std::chrono::steady_clock::now() - started_;
    add_cost(page, *price_, live_rates(*price_, stats, uptime.count()));
  }
  const std::lock_guard lock(mutex_);
  page.shared("time_to_first_token_seconds", "From a request's arrival to its first token.", time_to_first_token_);
  page.shared("inter_token_latency_seconds", "Between two tokens of one choice.", inter_token_);
  page.shared("e2e_request_latency_seconds", "From a request's arrival to its end.", end_to_end_);
  page.shared("request_decode_time_seconds", "From a request's first token to its end.", decode_);
  page.shared("request_prompt_tokens", "Prompt tokens of an ended request.", prompt_tokens_);
  page.shared("request_generation_tokens", "Sampled tokens of an ended request.", generation_tokens_);
  page.shared("request_success_total", "counter", "Ended requests by reason.", [&](PrometheusText& text) {
    for (const auto& [reason, n] : n_finished_) text.sample(static_cast<double>(n), {{"finished_reason", reason}});
  });
  page.text().family("drawbridge:http_responses_total", "counter", "Answers by HTTP status.");
  for (const auto& [status, n] : n_responses_) {
    page.text().sample(static_cast<double>(n), {{"status", fmt::format("{}", status)}});
  }
  return page.text().text();
}

}  // namespace drawbridge
