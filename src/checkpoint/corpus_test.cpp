#include "base/fuzz_corpus_test.h"
#include "checkpoint/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, Safetensors) {
  EXPECT_GE(replay_fuzz_corpus("safetensors", fuzz_safetensors), 20);
}

}  // namespace
}  // namespace drawbridge
