// What an answer makes of an engine that fails or keeps silent; the engine here only takes notes.
#include "server/answer.h"

#include <gtest/gtest.h>

#include "engine/tiny_engine_test.h"
#include "server/completion_choice.h"
#include "server/fake_exchange_test.h"

namespace drawbridge {
namespace {

class IdleEngine : public Engine {
 public:
  Result<RequestId> submit(GenerateRequest, Sink) override { return ++n_submitted; }
  void cancel(RequestId id) override { cancelled.push_back(id); }
  Status health() const override { return {}; }
  EngineStats stats() const override { return {}; }
  const ModelCard& card() const override { return card_; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  void drain() override {}

  RequestId n_submitted = 0;
  std::vector<RequestId> cancelled;

 private:
  ModelCard card_;
  Tokenizer tokenizer_ = Tokenizer::parse(byte_tokenizer_json(), "bytes").value();
};

class AnswerTest : public testing::Test {
 protected:
  Answer start(bool stream) {
    AnswerForm form;
    form.stream = stream;
    std::vector<AnswerPart> parts;
    for (int i = 0; i < 2; ++i) {
      parts.push_back({{}, std::make_unique<CompletionChoice>(engine_.tokenizer(), i, ""), i == 0});
    }
    Answer answer(engine_, metrics_, Call(exchange_, "id", metrics_), form, std::move(parts));
    answer.start([](size_t, const Output&, std::chrono::steady_clock::time_point) {});
    return answer;
  }
  static Output text(const std::string& piece) {
    Output output;
    output.token = 'x';
    output.text = piece;
    return output;
  }
  static Output failure(Status error) {
    Output output;
    output.finish = Finish{FinishReason::kError, std::move(error), std::nullopt, {}};
    return output;
  }

  IdleEngine engine_;
  Metrics metrics_;
  std::shared_ptr<FakeExchange> exchange_ = std::make_shared<FakeExchange>(HttpRequest{});
  const std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
};

TEST_F(AnswerTest, AFailureEndsAStreamWithAnErrorEvent) {
  Answer answer = start(true);
  answer.take(0, text("a"), now_);
  answer.take(1, failure(fail(Code::kInternal, "tensor secret.weight is not a number")), now_);
  EXPECT_TRUE(answer.ended());
  const std::string body = exchange_->wait().body;
  EXPECT_EQ(body.find("[DONE]"), std::string::npos);
  EXPECT_EQ(body.find("secret"), std::string::npos);
  const auto events = events_of(body);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1]["error"]["type"], "server_error");
  EXPECT_EQ(engine_.cancelled, std::vector<RequestId>{1});
  answer.take(0, text("late"), now_);  // the fake would not allow another write
}

TEST_F(AnswerTest, AFailureIsTheAnswerWhereThereIsNoStream) {
  Answer answer = start(false);
  answer.take(0, failure(fail(Code::kOutOfRange, "the pool is too small")), now_);
  const HttpResponse response = exchange_->wait();
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("context_length_exceeded"), std::string::npos);
  EXPECT_EQ(engine_.cancelled, std::vector<RequestId>{2});
}

TEST_F(AnswerTest, ASilentStreamIsKeptAlive) {
  Answer answer = start(true);
  answer.keep_alive();
  answer.keep_alive();
  answer.take(0, text("a"), now_);
  answer.keep_alive();
  answer.keep_alive();
  answer.fail(ApiError{503, "over", "server_error", std::nullopt, std::nullopt});
  const std::string body = exchange_->wait().body;
  EXPECT_TRUE(body.starts_with(": ping\n\ndata: ")) << body;
  EXPECT_NE(body.find("\n\n: ping\n\ndata: {\"error\""), std::string::npos) << body;
}

TEST_F(AnswerTest, AVanishedClientCancelsEveryPart) {
  Answer answer = start(true);
  exchange_->disconnect();
  EXPECT_EQ(engine_.cancelled, (std::vector<RequestId>{1, 2}));
}

}  // namespace
}  // namespace drawbridge
