#include "base/fuzz_corpus_test.h"
#include "gguf/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, Gguf) {
  EXPECT_GE(replay_fuzz_corpus("gguf", fuzz_gguf), 20);
}

}  // namespace
}  // namespace drawbridge
