// Replays the fuzzers' corpora: every stored input that once was interesting stays harmless.
#include "base/fuzz_corpus_test.h"
#include "http/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, RequestParser) {
  EXPECT_GE(replay_fuzz_corpus("request_parser", fuzz_request_parser), 10);
}
TEST(FuzzCorpus, ResponseParser) {
  EXPECT_GE(replay_fuzz_corpus("response_parser", fuzz_response_parser), 10);
}

}  // namespace
}  // namespace drawbridge
