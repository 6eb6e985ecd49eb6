#include "base/fuzz_corpus_test.h"
#include "tuned/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, TunedFiles) {
  EXPECT_GE(replay_fuzz_corpus("tuned_table", fuzz_tuned_table), 10);
  EXPECT_GE(replay_fuzz_corpus("foreign_table", fuzz_foreign_table), 8);
}

}  // namespace
}  // namespace drawbridge
