#include "http/sse.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

std::vector<SseEvent> parse(std::string_view text, size_t step = SIZE_MAX) {
  SseParser parser(1000);
  std::vector<SseEvent> events;
  for (size_t at = 0; at < text.size(); at += std::min(step, text.size() - at)) {
    EXPECT_TRUE(parser.feed(text.substr(at, step), events).ok());
  }
  return events;
}

TEST(Sse, SplitsTheSameWhereverItIsCut) {
  const std::string text =
      "\xef\xbb\xbf"
      "data: one\r\n\r\n: comment\n\nevent: ping\ndata: two\rdata:three\r\rdata: {\"a\": 1}\n\ndata: cut off";
  const std::vector<SseEvent> wanted = {{"message", "one"}, {"ping", "two\nthree"}, {"message", "{\"a\": 1}"}};
  for (size_t step = 1; step <= text.size(); ++step) EXPECT_EQ(parse(text, step), wanted) << step;
}

TEST(Sse, FollowsTheStandardOnOddFields) {
  EXPECT_EQ(parse("data\n\n"), (std::vector<SseEvent>{{"message", ""}}));
  EXPECT_EQ(parse("data:  two spaces\n\n"), (std::vector<SseEvent>{{"message", " two spaces"}}));
  EXPECT_EQ(parse("event: x\n\ndata: y\n\n"), (std::vector<SseEvent>{{"message", "y"}}));
  EXPECT_EQ(parse("id: 1\nretry: 5\nunknown: z\ndata: y\n\n"), (std::vector<SseEvent>{{"message", "y"}}));
  EXPECT_EQ(parse(": ping\n\n: ping\n\n").size(), 0u);
}

TEST(Sse, BoundsAnEvent) {
  for (const std::string& text : {"data: " + std::string(1000, 'x'), [] {
                                    std::string lines;
                                    for (int i = 0; i < 200; ++i) lines += "data: xxxxx\n";
                                    return lines;
                                  }()}) {
    SseParser parser(1000);
    std::vector<SseEvent> events;
    EXPECT_EQ(parser.feed(text, events).code(), Code::kOutOfRange);
  }
}

TEST(Sse, FormatsWhatItParses) {
  EXPECT_EQ(format_sse("{}"), "data: {}\n\n");
  for (const char* data : {"", "one", "two\nlines", "\n", " leading"}) {
    EXPECT_EQ(parse(format_sse(data)), (std::vector<SseEvent>{{"message", data}})) << data;
  }
  EXPECT_EQ(parse(format_sse("a\r\nb\rc")), (std::vector<SseEvent>{{"message", "a\nb\nc"}}));
}

}  // namespace
}  // namespace drawbridge
