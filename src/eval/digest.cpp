#include "eval/digest.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "base/mapped_file.h"
#include "base/sha256.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

bool decides_answers(const std::string& name) {
  constexpr std::array<std::string_view, 4> kNames = {"config.json", "generation_config.json", "tokenizer.json",
                                                      "chat_template.jinja"};
  return name.ends_with(".safetensors") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

Result<std::string> model_sha256(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (decides_answers(name)) names.push_back(name);
  }
  if (error) return fail(Code::kNotFound, "{}: cannot be listed: {}", directory, error.message());
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) {
    DB_ASSIGN(const MappedFile file, MappedFile::open((fs::path(directory) / name).string()));
    Sha256 hash;
    hash.add(file.bytes());
    all += fmt::format("{} {}\n", hash.digest(), name);
  }
  return sha256_of(all);
}

}  // namespace drawbridge
