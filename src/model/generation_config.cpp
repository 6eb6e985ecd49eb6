#include "model/generation_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/mapped_file.h"

namespace drawbridge {
namespace {

/// Keys that are read, or that change nothing here: temperature and top_p say by themselves whether one samples.
constexpr std::array<std::string_view, 8> kKnown = {
    "temperature",  "top_p",     "eos_token_id",       "pad_token_id",
    "bos_token_id", "do_sample", "_from_model_config", "transformers_version"};

Status read_number(const Json& root, const char* key, float low, float high, const std::string& source, float& out) {
  if (!root.contains(key) || root[key].is_null()) return Status();
  const Json& value = root[key];
  if (value.is_number()) {
    const auto number = value.get<float>();
    if (number >= low && number <= high) {
      out = number;
      return Status();
    }
  }
  return fail(Code::kInvalidArgument, "{}: {}: wanted a number from {} to {}, found {}", source, key, low, high,
              dump_json(value).substr(0, 200));
}

}  // namespace

std::optional<std::vector<int32_t>> read_token_ids(const Json& value, int64_t vocab) {
  constexpr size_t kMaxIds = 64;
  const Json list = value.is_array() ? value : Json::array({value});
  if (list.size() > kMaxIds) return std::nullopt;
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    if (!id.is_number_unsigned() || id >= vocab) return std::nullopt;
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

Result<GenerationConfig> load_generation_config(const std::string& directory, int64_t vocab) {
  const std::string path = directory + "/generation_config.json";
  GenerationConfig config;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    config.notices.push_back(path + ": absent, so the defaults are temperature 1 and top_p 1");
    return config;
  }
  DB_ASSIGN(const std::string text, read_text_file(path, 1u << 20));
  DB_ASSIGN(const Json root, parse_json(text, path));
  if (!root.is_object()) return fail(Code::kInvalidArgument, "{}: wanted a JSON object", path);
  constexpr float kSmallestTopP = 1e-6f;
  DB_TRY(read_number(root, "temperature", 0, 100, path, config.temperature));
  DB_TRY(read_number(root, "top_p", kSmallestTopP, 1, path, config.top_p));
  if (root.contains("eos_token_id") && !root["eos_token_id"].is_null()) {
    config.eos = read_token_ids(root["eos_token_id"], vocab);
    if (!config.eos) {
      return fail(Code::kInvalidArgument, "{}: eos_token_id: wanted at most 64 token ids below {}, found {}", path,
                  vocab, dump_json(root["eos_token_id"]).substr(0, 200));
    }
  }
  std::vector<std::string> unused;
  for (const auto& [key, value] : root.items()) {
    if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end() && !value.is_null()) unused.push_back(key);
  }
  if (!unused.empty()) {
    config.notices.push_back(fmt::format("{}: no defaults of ours follow from {}", path, fmt::join(unused, ", ")));
  }
  return config;
}

}  // namespace drawbridge
