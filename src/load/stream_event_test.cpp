#include "load/stream_event.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(StreamEvent, ReadsAChatChunk) {
  const auto event = read_stream_event(
      R"({"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"Hé\n"},)"
      R"("finish_reason":null}],"usage":null})");
  EXPECT_TRUE(event.is_json);
  EXPECT_EQ(event.text, "Hé\n");
  EXPECT_EQ(event.other.size(), 0u);
  EXPECT_EQ(event.finish_reason, "");
  EXPECT_EQ(event.n_prompt, -1);
  EXPECT_EQ(event.error, "");
}

TEST(StreamEvent, ReadsACompletionChunk) {
  const auto event = read_stream_event(R"({"choices":[{"text":" word","finish_reason":"length"}]})");
  EXPECT_EQ(event.text, " word");
  EXPECT_EQ(event.finish_reason, "length");
}

TEST(StreamEvent, CountsReasoningByEitherNameAndToolFragments) {
  EXPECT_EQ(read_stream_event(R"({"choices":[{"delta":{"reasoning_content":"abc"}}]})").other.size(), 3u);
  EXPECT_EQ(read_stream_event(R"({"choices":[{"delta":{"reasoning":"abcd","content":null}}]})").other.size(), 4u);
  const auto call = read_stream_event(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"get","arguments":"{\"a\""}}]}}]})");
  EXPECT_EQ(call.other.size(), 7u);
  EXPECT_EQ(call.text, "");
}

TEST(StreamEvent, AnEmptyDeltaHoldsNothing) {
  const auto event = read_stream_event(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})");
  EXPECT_EQ(event.text, "");
  EXPECT_EQ(event.other.size(), 0u);
}

TEST(StreamEvent, ReadsUsage) {
  const auto event = read_stream_event(
      R"({"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27,)"
      R"("prompt_tokens_details":{"cached_tokens":16},"completion_tokens_details":{"reasoning_tokens":3}}})");
  EXPECT_EQ(event.n_prompt, 20);
  EXPECT_EQ(event.n_output, 7);
  EXPECT_EQ(event.n_cached, 16);
}

TEST(StreamEvent, ReadsErrorsInEveryUsualShape) {
  EXPECT_EQ(read_stream_event(R"({"error":{"message":"out of pages","type":"server_error"}})").error, "out of pages");
  EXPECT_EQ(read_stream_event(R"({"error":"no room"})").error, "no room");
  EXPECT_EQ(read_stream_event(R"({"error":{"code":500}})").error, "without a message");
  EXPECT_EQ(read_stream_event(R"({"object":"error","message":"aborted","code":400})").error, "aborted");
  EXPECT_EQ(read_stream_event(R"({"error":null,"choices":[]})").error, "");
}

/// Names that matter elsewhere do not matter here.
TEST(StreamEvent, LooksAtPathsNotAtNames) {
  const auto event = read_stream_event(
      R"({"metadata":{"error":"x","choices":[{"delta":{"content":"no"}}]},"choices":[{"logprobs":{"content":[{"token":)"
      R"("a"}]},"delta":{"audio":{"content":"no"}}}],"text":"no","prompt_tokens":3})");
  EXPECT_EQ(event.text, "");
  EXPECT_EQ(event.error, "");
  EXPECT_EQ(event.n_prompt, -1);
}

TEST(StreamEvent, SaysWhatIsNoJson) {
  EXPECT_FALSE(read_stream_event("").is_json);
  EXPECT_FALSE(read_stream_event(R"({"choices":[{"delta":{"content":"cut)").is_json);
  EXPECT_TRUE(read_stream_event("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]").is_json);
}

}  // namespace
}  // namespace drawbridge
