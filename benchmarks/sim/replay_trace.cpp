// replay_trace TRACE.jsonl STEP_TIME.json: one of Mooncake's traces, whole, as conversations of a growing number of
// users, under plain LRU in order of arrival and under the scheduler's own admission. Prints JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include "base/json.h"
#include "closed_loop.h"
#include "load/trace.h"

namespace drawbridge {
namespace {

constexpr int64_t kPages = 2048;  // of 512 tokens: about a million, eight times the longest request

std::string read_text(const char* path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A request goes on with the conversation whose last prompt shares more than half of its blocks; the latest such one.
std::vector<Conversation> conversations_of(const std::vector<TraceRequest>& trace) {
  std::vector<Conversation> all;
  std::vector<double> last_at;
  std::map<int64_t, size_t> by_block;  // the conversation that had it last; blocks' ids tell all that is before them
  for (const TraceRequest& request : trace) {
    const size_t n_half = request.blocks.size() / 2;
    size_t place = all.size();
    for (size_t i = request.blocks.size(); i-- > n_half && place == all.size();) {
      if (const auto found = by_block.find(request.blocks[i]); found != by_block.end()) place = found->second;
    }
    const bool is_new = place == all.size();
    if (is_new) all.emplace_back(), last_at.push_back(request.at_s);
    all[place].push_back({request.blocks, request.n_prompt, std::max<int64_t>(request.n_output, 1),
                          is_new ? 0 : request.at_s - last_at[place]});
    last_at[place] = request.at_s;
    for (const int64_t block : request.blocks) by_block[block] = place;
  }
  return all;
}

double percentile(std::vector<double> values, double p) {
  const auto at = static_cast<size_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(at), values.end());
  return values[at];
}

Json point(const LoopResult& r, const std::string& policy, double load, int64_t n_users) {
  return {{"policy", policy},
          {"load", load},
          {"n_users", n_users},
          {"tokens_per_s", r.tokens_per_s()},
          {"hit_ratio", r.hit_ratio()},
          {"ttft_p50_s", percentile(r.ttft_s, 0.5)},
          {"ttft_p95_s", percentile(r.ttft_s, 0.95)},
          {"ttft_max_s", percentile(r.ttft_s, 1)},
          {"working_set_ratio", r.mean_working_set_ratio},
          {"n_requests", r.n_requests},
          {"n_preempted", r.n_preempted},
          {"n_steps", r.n_steps},
          {"seconds", r.seconds}};
}

int run(const char* trace_path, const char* step_time_path) {
  const auto trace = parse_mooncake_trace(read_text(trace_path), trace_path, std::numeric_limits<size_t>::max());
  const auto times = parse_json(read_text(step_time_path), step_time_path);
  if (!trace.ok() || !times.ok()) {
    fmt::print(stderr, "{}\n", (trace.ok() ? times.status() : trace.status()).message());
    return 1;
  }
  const Json& t = (*times)["fit"];
  LoopOptions options;
  options.step_time = {t["step_s"], t["experts_s"], t["touched"], t["token_s"], t["near_key_s"], t["far_key_s"]};
  const std::vector<Conversation> conversations = conversations_of(*trace);
  int64_t n_blocks = 0;
  for (const TraceRequest& request : *trace) n_blocks += static_cast<int64_t>(request.blocks.size());
  const double mean_blocks = static_cast<double>(n_blocks) / static_cast<double>(trace->size());
  Json result{{"trace", std::string(trace_path).substr(std::string(trace_path).find_last_of('/') + 1)},
              {"n_requests", trace->size()},
              {"n_conversations", conversations.size()},
              {"n_pages", kPages},
              {"mean_prompt_pages", mean_blocks},
              {"points", Json::array()}};
  for (const bool plain : {true, false}) {
    options.scheduling = {.n_pages = kPages, .page_size = kMooncakeBlock, .max_running = 32, .max_step_tokens = 2048};
    if (plain) options.scheduling.max_passed = 0, options.scheduling.kept_share = 0;
    for (const double load : {0.5, 1.0, 2.0, 3.0, 4.0}) {
      options.n_users = static_cast<int64_t>(load * static_cast<double>(kPages) / mean_blocks);
      const LoopResult r = run_closed_loop(conversations, options);
      result["points"].push_back(point(r, plain ? "lru" : "working_set", load, options.n_users));
      fmt::print(stderr, "{}\n", dump_json(result["points"].back()));
    }
  }
  fmt::print("{}\n", result.dump(1));
  return 0;
}

}  // namespace
}  // namespace drawbridge

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("replay_trace TRACE.jsonl STEP_TIME.json\n", stderr);
    return 2;
  }
  return drawbridge::run(argv[1], argv[2]);
}
