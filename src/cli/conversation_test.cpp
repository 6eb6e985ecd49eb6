// The terminal chat on a source that records what it was asked.
#include "cli/conversation.h"

#include <gtest/gtest.h>

#include <sstream>

namespace drawbridge {
namespace {

class FakeSource : public ChatSource {
 public:
  Status answer(const Json& body, const OnChoice& on_choice) override {
    asked.push_back(body);
    if (asked.size() == fails_at) return fail(Code::kUnavailable, "no such luck");
    on_choice({{"delta", {{"role", "assistant"}, {"content", ""}}}});
    if (body["chat_template_kwargs"]["enable_thinking"]) {
      on_choice({{"delta", {{"reasoning_content", "hm"}}}});
      on_choice({{"delta", {{"reasoning", "m"}}}});
    }
    on_choice({{"delta", {{"content", fmt::format("answer {}", asked.size())}}}});
    on_choice(3);  // what no server should send
    return {};
  }
  std::string describe() const override { return "fake"; }

  std::vector<Json> asked;
  size_t fails_at = 0;
};

std::string converse(FakeSource& source, const std::string& lines, ConversationSettings settings = {}) {
  std::istringstream in(lines);
  std::ostringstream out;
  Conversation(source, std::move(settings), in, out).run();
  return out.str();
}

Json turn(const std::string& role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

TEST(Conversation, RemembersWhatWasSaid) {
  FakeSource source;
  EXPECT_EQ(converse(source, "one\n\ntwo\n"), "<think>hmm</think>\nanswer 1\n<think>hmm</think>\nanswer 2\n");
  ASSERT_EQ(source.asked.size(), 2u);
  EXPECT_EQ(source.asked[1]["messages"],
            (Json{turn("user", "one"), turn("assistant", "answer 1"), turn("user", "two")}));
}

TEST(Conversation, ObeysItsCommands) {
  FakeSource source;
  const std::string out =
      converse(source, "one\n/clear\n/system Be brief.\n/think off\ntwo\n/system\nthree\n/quit\nfour\n");
  ASSERT_EQ(source.asked.size(), 3u);
  EXPECT_EQ(source.asked[1]["messages"], (Json{turn("system", "Be brief."), turn("user", "two")}));
  EXPECT_EQ(source.asked[1]["chat_template_kwargs"]["enable_thinking"], false);
  EXPECT_EQ(source.asked[2]["messages"][0], turn("user", "two"));
  EXPECT_EQ(out, "<think>hmm</think>\nanswer 1\nanswer 2\nanswer 3\n");
  EXPECT_NE(converse(source, "/help\n").find("/think on|off"), std::string::npos);
}

TEST(Conversation, AFailedAnswerLeavesItAsItWas) {
  FakeSource source;
  source.fails_at = 1;
  EXPECT_EQ(converse(source, "/think off\none\ntwo\n"), "\nerror: no such luck\nanswer 2\n");
  EXPECT_EQ(source.asked[1]["messages"], (Json{turn("user", "two")}));
}

TEST(Conversation, PassesSettingsOn) {
  FakeSource source;
  ConversationSettings settings;
  settings.max_tokens = 7;
  settings.temperature = 0.0;
  settings.seed = -2;
  settings.is_terminal = true;
  EXPECT_EQ(converse(source, "one\n", settings), "fake (/help)\n> \x1b[2mhmm\x1b[0m\nanswer 1\n> \n");
  EXPECT_EQ(source.asked[0]["max_tokens"], 7);
  EXPECT_EQ(source.asked[0]["temperature"], 0.0);
  EXPECT_EQ(source.asked[0]["seed"], -2);
}

}  // namespace
}  // namespace drawbridge
