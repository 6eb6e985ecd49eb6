#include "bench/manifest.h"

#include <fmt/core.h>

#include "base/sha256.h"
#include "base/version.h"

namespace drawbridge {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif
#if defined(NDEBUG)
constexpr bool kHasAssertions = false;
#else
constexpr bool kHasAssertions = true;
#endif

constexpr size_t kShownHash = 12;  // digits

}  // namespace

Json machine_info_json(const MachineInfo& info) {
  Json caches = Json::array();
  for (const CacheInfo& cache : info.caches) {
    caches.push_back(
        {{"level", cache.level}, {"type", cache.type}, {"bytes", cache.bytes}, {"n_sharing", cache.n_sharing}});
  }
  return {{"cpu", info.cpu},
          {"n_cpus", info.n_cpus},
          {"isa", info.isa},
          {"caches", std::move(caches)},
          {"page_bytes", info.page_bytes},
          {"huge_pages", info.huge_pages},
          {"memory_bytes", info.memory_bytes}};
}

Json bench_manifest(Json options) {
  Json manifest = {
      {"build",
       {{"version", version()}, {"commit", build_commit()}, {"compiler", kCompiler}, {"assertions", kHasAssertions}}},
      {"machine", machine_info_json(read_machine_info())},
      {"options", std::move(options)}};
  manifest["sha256"] = sha256_of(dump_json(manifest));
  return manifest;
}

std::string manifest_line(const Json& manifest) {
  const Json& build = manifest["build"];
  return fmt::format("build: {} ({}, {}); manifest {}", build["commit"].get<std::string>(),
                     build["version"].get<std::string>(), build["compiler"].get<std::string>(),
                     manifest["sha256"].get<std::string>().substr(0, kShownHash));
}

}  // namespace drawbridge
