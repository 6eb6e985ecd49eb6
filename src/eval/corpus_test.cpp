#include "base/fuzz_corpus_test.h"
#include "eval/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, EvalFiles) {
  EXPECT_GE(replay_fuzz_corpus("eval_csv", fuzz_eval_csv), 16);
  EXPECT_GE(replay_fuzz_corpus("eval_result", fuzz_eval_result), 17);
}

}  // namespace
}  // namespace drawbridge
