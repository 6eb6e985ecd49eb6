#include "base/fuzz_corpus_test.h"
#include "server/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, ApiRequest) {
  EXPECT_GE(replay_fuzz_corpus("api_request", fuzz_api_request), 10);
}

}  // namespace
}  // namespace drawbridge
