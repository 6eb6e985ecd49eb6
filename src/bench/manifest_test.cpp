#include "bench/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/version.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

TEST(Manifest, ItsHashIsOfWhatItSays) {
  Json manifest = bench_manifest({{"rounds", 3}});
  const std::string hash = manifest["sha256"];
  manifest.erase("sha256");
  EXPECT_EQ(hash, sha256_of(dump_json(manifest)));
  EXPECT_EQ(manifest["build"]["version"], version());
  EXPECT_EQ(manifest["build"]["commit"], build_commit());
  EXPECT_GT(manifest["machine"]["n_cpus"], 0);
  EXPECT_EQ(manifest["options"]["rounds"], 3);
}

TEST(Manifest, OtherOptionsHaveAnotherHash) {
  const Json three = bench_manifest({{"rounds", 3}});
  EXPECT_EQ(three, bench_manifest({{"rounds", 3}}));
  EXPECT_NE(three["sha256"], bench_manifest({{"rounds", 4}})["sha256"]);
}

TEST(Manifest, TheLineNamesTheBuildAndTheHash) {
  const Json manifest = bench_manifest({});
  const std::string line = manifest_line(manifest);
  EXPECT_THAT(line, HasSubstr(std::string("build: ") + build_commit()));
  EXPECT_THAT(line, HasSubstr("manifest " + manifest["sha256"].get<std::string>().substr(0, 12)));
  EXPECT_FALSE(std::string(build_commit()).empty());
}

}  // namespace
}  // namespace drawbridge
