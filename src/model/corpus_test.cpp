#include "base/fuzz_corpus_test.h"
#include "model/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, ConfigJson) {
  EXPECT_GE(replay_fuzz_corpus("config_json", fuzz_config_json), 20);
}

}  // namespace
}  // namespace drawbridge
