#include "base/fuzz_corpus_test.h"
#include "text/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, TokenizerJson) {
  EXPECT_GE(replay_fuzz_corpus("tokenizer_json", fuzz_tokenizer_json), 10);
}
TEST(FuzzCorpus, OutputParser) {
  EXPECT_GE(replay_fuzz_corpus("output_parser", fuzz_output_parser), 10);
}

}  // namespace
}  // namespace drawbridge
