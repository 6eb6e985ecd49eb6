// What servers are asked beside the load, and how their tokens are counted.
#include "load/server_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/fake_server_test.h"
#include "load/token_costs.h"

namespace drawbridge {
namespace {

using testing::Each;
using testing::HasSubstr;

constexpr int64_t kTemplate = 9;
constexpr int64_t kTurn = 4;

int64_t n_words(const std::string& text) {
  return text.empty() ? 0 : 1 + std::count(text.begin(), text.end(), ' ');
}

void respond(const std::shared_ptr<Exchange>& exchange, const Json& body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.body = dump_json(body);
  exchange->respond(std::move(response));
}

/// Two tokens a word, what its template adds, and perhaps a /tokenize in one of two shapes.
void answer(const std::shared_ptr<Exchange>& exchange, const Json& body, const std::string& tokenize_key) {
  const std::string& path = exchange->request().path;
  if (path == "/v1/chat/completions") {
    int64_t n = kTemplate + kTurn * static_cast<int64_t>((body["messages"].size() - 1) / 2);
    for (const Json& message : body["messages"]) n += 2 * n_words(message["content"].get<std::string>());
    return respond(exchange, {{"usage", {{"prompt_tokens", n}}}});
  }
  if (path != "/tokenize" || !body.contains(tokenize_key)) return respond(exchange, {{"error", "no"}}, 404);
  const int64_t n = 2 * n_words(body[tokenize_key].get<std::string>());
  if (tokenize_key == "prompt") return respond(exchange, {{"count", n}, {"tokens", Json::array()}});
  respond(exchange, {{"tokens", std::vector<int>(static_cast<size_t>(n), 1)}});
}

TokenCosts costs_at(const std::string& tokenize_key) {
  FakeServer server([&](const auto& exchange, const Json& body, int) { answer(exchange, body, tokenize_key); });
  const auto address = parse_server_address(server.base(), "");
  EXPECT_TRUE(address.ok());
  const auto costs = measure_token_costs(*address, {"m", true, "", true});
  EXPECT_TRUE(costs.ok()) << costs.status().message();
  return costs.ok() ? *costs : TokenCosts();
}

TEST(TokenCosts, AreFoundByEitherShapeOfTokenizeOrFromUsage) {
  for (const char* key : {"prompt", "content", "nothing"}) {
    const TokenCosts costs = costs_at(key);
    EXPECT_THAT(costs.per_word, Each(2.0)) << key;
    EXPECT_EQ(costs.per_request, kTemplate) << key;
    EXPECT_EQ(costs.per_turn, kTurn) << key;
    const bool has_tokenize = key != std::string("nothing");
    EXPECT_EQ(costs.counted_by, has_tokenize ? "server /tokenize" : "calibrated from usage (2 prompts)");
    EXPECT_EQ(static_cast<bool>(costs.count), has_tokenize);
  }
}

TEST(TokenCosts, OfAServerThatReportsNothingNeedATokenizer) {
  FakeServer server([](const auto& exchange, const Json&, int) { respond(exchange, Json::object()); });
  const auto costs = measure_token_costs(*parse_server_address(server.base(), ""), {"m", true, "", false});
  ASSERT_FALSE(costs.ok());
  EXPECT_THAT(costs.status().message(), HasSubstr("name the model's tokenizer with --tokenizer DIR"));
}

TEST(TokenCosts, SayWhatTheServerAnsweredInstead) {
  FakeServer server([](const auto& exchange, const Json&, int) {
    respond(exchange, {{"error", {{"message", "bad key"}}}}, 401);
  });
  const auto costs = measure_token_costs(*parse_server_address(server.base(), ""), {"m", true, "", false});
  ASSERT_FALSE(costs.ok());
  EXPECT_THAT(costs.status().message(), HasSubstr("/v1/chat/completions: wanted HTTP 200, found 401: bad key"));
}

TEST(ServerAddress, IsTheSameWithAndWithoutV1) {
  for (const char* url : {"http://h:8", "http://h:8/", "http://h:8/v1", "http://h:8/v1/"}) {
    EXPECT_EQ(parse_server_address(url, "")->at("/v1/models").target, "/v1/models") << url;
  }
  EXPECT_EQ(parse_server_address("http://h/proxy/v1", "")->at("/metrics").target, "/proxy/metrics");
  EXPECT_THAT(parse_server_address("https://h", "").status().message(), HasSubstr("speaks no TLS"));
}

TEST(ServerProbe, NamesTheModelAndTheServer) {
  FakeServer server([](const std::shared_ptr<Exchange>& exchange, const Json&, int) {
    if (exchange->request().path == "/version") return respond(exchange, {{"version", "0.9.1"}});
    respond(exchange, {{"data", {{{"id", "glm"}, {"owned_by", "vllm"}, {"device", "B200"}}}}});
  });
  const auto address = parse_server_address(server.base(), "");
  EXPECT_EQ(server_device(*address), "B200");
  EXPECT_EQ(*first_model(*address), "glm");
  EXPECT_EQ(server_identity(*address), "vllm, 0.9.1");
}

TEST(ServerCounters, AreSumsOverLabelsUnderEachServersNames) {
  const ServerCounters vllm = parse_counters(
      "# HELP vllm:prompt_tokens_total x\n# TYPE vllm:prompt_tokens_total counter\n"
      "vllm:prompt_tokens_total{model_name=\"a b} \"} 10.0\nvllm:prompt_tokens_total{model_name=\"c\"} 5.5\n"
      "vllm:prompt_tokens_total_created 99\nvllm:generation_tokens_total 7 1700000000\n");
  EXPECT_EQ(vllm.prompt_tokens, 15.5);
  EXPECT_EQ(vllm.generation_tokens, 7);
  EXPECT_FALSE(vllm.cached_tokens.has_value());
  EXPECT_EQ(parse_counters("llamacpp:tokens_predicted_total 3\n").generation_tokens, 3);
  EXPECT_EQ(parse_counters("drawbridge:prompt_tokens_total 1\nvllm:prompt_tokens_total 2\n").prompt_tokens, 1);
  EXPECT_FALSE(parse_counters("vllm:prompt_tokens_total NaN\nsglang:prompt_tokens_total{ 4").prompt_tokens.has_value());
}

TEST(ServerProbe, CountsBusySecondsAndDrafts) {
  const ServerCounters ours = parse_counters(
      "drawbridge:engine_busy_seconds_total{model_name=\"m\",kind=\"input\"} 1.5\n"
      "drawbridge:engine_busy_seconds_total{model_name=\"m\",kind=\"output\"} 2.5\n");
  EXPECT_EQ(ours.busy_input_s, 1.5);
  EXPECT_EQ(ours.busy_output_s, 2.5);
  EXPECT_FALSE(ours.draft_steps || ours.accepted_drafts || ours.accept_length);
  const ServerCounters vllm = parse_counters(
      "vllm:spec_decode_num_drafts_total{engine=\"0\"} 4\nvllm:spec_decode_num_accepted_tokens_total{engine=\"0\"} 9\n"
      "vllm:spec_decode_num_accepted_tokens_per_pos_total{position=\"0\"} 4\n");
  EXPECT_EQ(vllm.draft_steps, 4);
  EXPECT_EQ(vllm.accepted_drafts, 9);
  EXPECT_EQ(parse_counters("sglang:spec_accept_length{model_name=\"m\"} 2.7\n").accept_length, 2.7);
}

TEST(ServerProbe, KeysOfTwoLinesAreNeverSent) {
  FakeServer server([](const auto& exchange, const Json&, int) { respond(exchange, Json::object()); });
  const auto address = parse_server_address(server.base(), "k\r\nX-Admin: 1");
  EXPECT_THAT(first_model(*address).status().message(), HasSubstr("header authorization: wanted a value of one line"));
  EXPECT_TRUE(server.bodies().empty());
}

}  // namespace
}  // namespace drawbridge
