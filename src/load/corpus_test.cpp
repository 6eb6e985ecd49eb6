// Replays the fuzzers' corpora: every stored input that once was interesting stays harmless.
#include "base/fuzz_corpus_test.h"
#include "load/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, LoadRecords) {
  EXPECT_GE(replay_fuzz_corpus("load_records", fuzz_load_records), 5);
}
TEST(FuzzCorpus, LoadFiles) {
  EXPECT_GE(replay_fuzz_corpus("load_files", fuzz_load_files), 8);
}
TEST(FuzzCorpus, StreamEvent) {
  EXPECT_GE(replay_fuzz_corpus("stream_event", fuzz_stream_event), 8);
}

}  // namespace
}  // namespace drawbridge
