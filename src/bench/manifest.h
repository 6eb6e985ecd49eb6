// The manifest of a measurement: what it was taken with. Two figures may be compared where their manifests are alike;
// its hash says so in one word.
#pragma once

#include <string>

#include "base/json.h"
#include "bench/machine_info.h"

namespace drawbridge {

/// The commit that this program was built at, "+" after it where files differed; "unknown" outside of a repository.
const char* build_commit();

/// {"cpu": ..., "n_cpus": ..., "isa": [...], "caches": [...], "page_bytes": ..., "huge_pages": ..., "memory_bytes":
/// ...}
Json machine_info_json(const MachineInfo& info);

/// {"build": {...}, "machine": {...}, "options": options, "sha256": "..."}: the hash is of the three before it, as one
/// line of JSON.
Json bench_manifest(Json options);

/// "build: 0b14f3a1c2d4 (0.1.0, g++ 12.2.0); manifest 5f0e8c1a": the line under a table.
std::string manifest_line(const Json& manifest);

}  // namespace drawbridge
