#include "load/token_costs.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "text/tokenizer.h"

namespace drawbridge {
namespace {

constexpr int kLongCopies = 5;

/// Every word once, `n_copies` times over.
std::string all_words(int n_copies) {
  std::string text;
  for (int i = 0; i < n_copies; ++i) {
    for (const std::string_view word : prompt_words()) text.append(text.empty() ? "" : " ").append(word);
  }
  return text;
}

Result<CountTokens> local_counter(const std::string& directory) {
  DB_ASSIGN(Tokenizer loaded, Tokenizer::load(directory + "/tokenizer.json"));
  return CountTokens(
      [tokenizer = std::make_shared<Tokenizer>(std::move(loaded))](const std::string& text) -> Result<int64_t> {
        DB_ASSIGN(const std::vector<int32_t> ids, tokenizer->encode(text));
        return static_cast<int64_t>(ids.size());
      });
}

class CostProbe {
 public:
  CostProbe(const ServerAddress& server, const TokenCostOptions& options) : server_(server), o_(options) {}

  Result<TokenCosts> measure();

 private:
  Result<std::optional<int64_t>> reported(const std::vector<LoadMessage>& messages) const {
    return reported_prompt_tokens(server_, o_.model, o_.is_chat, messages);
  }
  Status choose_counter(TokenCosts& costs) const;
  Status calibrate(TokenCosts& costs, std::optional<int64_t> short_tokens) const;
  Status add_turn_cost(TokenCosts& costs) const;

  const ServerAddress& server_;
  const TokenCostOptions& o_;
};

double cost_of_all(const TokenCosts& costs) {
  return std::accumulate(costs.per_word.begin(), costs.per_word.end(), 0.0);
}

/// Leaves the costs empty where neither the user nor the server has a tokenizer.
Status CostProbe::choose_counter(TokenCosts& costs) const {
  if (!o_.tokenizer.empty()) {
    DB_ASSIGN(costs.count, local_counter(o_.tokenizer));
    DB_ASSIGN(costs.per_word, count_words(costs.count));
    costs.counted_by = "tokenizer " + o_.tokenizer;
    return Status();
  }
  const CountTokens count = [server = server_, model = o_.model](const std::string& text) {
    return count_by_server(server, model, text);
  };
  auto words = count_words(count);
  if (!words.ok()) return Status();
  costs.count = count;
  costs.per_word = std::move(*words);
  costs.counted_by = "server /tokenize";
  return Status();
}

/// A line through two prompts: its slope is what a word costs on average, its beginning what the server adds.
Status CostProbe::calibrate(TokenCosts& costs, std::optional<int64_t> short_tokens) const {
  DB_ASSIGN(const auto long_tokens, reported({{"user", all_words(kLongCopies)}}));
  if (!short_tokens || !long_tokens || *long_tokens <= *short_tokens) {
    return fail(Code::kUnavailable,
                "{}: prompts cannot be counted: wanted a /tokenize or usage.prompt_tokens in its answers, found "
                "neither; name the model's tokenizer with --tokenizer DIR",
                server_.base.authority());
  }
  const auto n_words = static_cast<double>(prompt_words().size());
  const double slope = static_cast<double>(*long_tokens - *short_tokens) / (n_words * (kLongCopies - 1));
  costs.per_word.assign(prompt_words().size(), slope);
  costs.counted_by = "calibrated from usage (2 prompts)";
  return Status();
}

Status CostProbe::add_turn_cost(TokenCosts& costs) const {
  const std::string text = all_words(1);
  DB_ASSIGN(const auto tokens, reported({{"user", text}, {"assistant", text}, {"user", text}}));
  if (tokens) costs.per_turn = std::max(0.0, static_cast<double>(*tokens) - costs.per_request - 3 * cost_of_all(costs));
  return Status();
}

Result<TokenCosts> CostProbe::measure() {
  TokenCosts costs;
  DB_ASSIGN(const auto tokens, reported({{"user", all_words(1)}}));
  DB_TRY(choose_counter(costs));
  if (costs.per_word.empty()) DB_TRY(calibrate(costs, tokens));
  if (tokens) {
    costs.per_request = std::max(0.0, static_cast<double>(*tokens) - cost_of_all(costs));
  } else {
    costs.counted_by += ", without what the server adds";
  }
  if (o_.with_turns) DB_TRY(add_turn_cost(costs));
  return costs;
}

}  // namespace

Result<std::vector<double>> count_words(const CountTokens& count) {
  const auto words = prompt_words();
  DB_ASSIGN(const int64_t once, count(all_words(1)));
  DB_ASSIGN(const int64_t twice, count(all_words(2)));
  if (twice - once == static_cast<int64_t>(words.size())) return std::vector<double>(words.size(), 1);
  // The first word of a text may be another token than the same word behind a blank.
  DB_ASSIGN(const int64_t one, count(std::string(words[0])));
  std::vector<double> costs;
  for (const std::string_view word : words) {
    DB_ASSIGN(const int64_t two, count(fmt::format("{} {}", words[0], word)));
    costs.push_back(static_cast<double>(std::max<int64_t>(1, two - one)));
  }
  return costs;
}

Result<TokenCosts> measure_token_costs(const ServerAddress& server, const TokenCostOptions& options) {
  return CostProbe(server, options).measure();
}

}  // namespace drawbridge
