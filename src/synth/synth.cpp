#include "synth/synth.h"

#include <algorithm>
#include <filesystem>

#include "base/durable.h"
#include "base/mapped_file.h"
#include "base/staged_directory.h"
#include "checkpoint/sharded_writer.h"
#include "synth/draw.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPieceBytes = 4 << 20;  // drawn and written at a time; a multiple of 64

/// The weights of one target, shard by shard.
class WeightWriter {
 public:
  WeightWriter(const StagedDirectory& staged, uint64_t seed, int64_t total, const SynthProgress& progress)
      : staged_(staged), seed_(seed), total_(total), progress_(progress), piece_(kPieceBytes) {}

  Status write_shards(const std::vector<std::vector<PlannedTensor>>& shards) {
    std::vector<std::vector<TensorSpec>> specs;
    for (const auto& shard : shards) {
      specs.emplace_back();
      for (const PlannedTensor& tensor : shard) specs.back().push_back(tensor.spec);
    }
    ShardedWriter writer(staged_.path(), std::move(specs));
    for (const auto& shard : shards) {
      for (const PlannedTensor& tensor : shard) DB_TRY(write_tensor(writer, tensor));
    }
    return writer.finish();
  }

 private:
  Status write_tensor(ShardedWriter& writer, const PlannedTensor& tensor) {
    const int64_t bytes = tensor.spec.bytes();
    for (int64_t from = 0; from < bytes; from += kPieceBytes) {
      const std::span piece = std::span(piece_).first(static_cast<size_t>(std::min(kPieceBytes, bytes - from)));
      draw_bytes(tensor, seed_, from, piece);
      DB_TRY(writer.append(piece));
      done_ += static_cast<int64_t>(piece.size());
      if (progress_) progress_(done_, total_);
    }
    return Status();
  }

  const StagedDirectory& staged_;
  const uint64_t seed_;
  const int64_t total_;
  const SynthProgress& progress_;
  std::vector<std::byte> piece_;
  int64_t done_ = 0;
};

const char* synth_dtype_name(SynthDType dtype) {
  switch (dtype) {
    case SynthDType::kBF16:
      return "bf16";
    case SynthDType::kFp8:
      return "fp8";
    case SynthDType::kMxfp4:
      return "mxfp4";
  }
  return "unknown";
}

/// The source's config.json with the types that are written.
Json stored_config(Json config, const std::vector<StoredModule>& modules, int64_t n_layers) {
  config.erase("torch_dtype");
  config.erase("quantization_config");
  config["dtype"] = "bfloat16";
  Json quantization = quantization_config_json(modules, n_layers);
  if (!quantization.is_null()) config["quantization_config"] = std::move(quantization);
  return config;
}

Json stored_generation_config(const Json& config) {
  Json generation = {{"temperature", 1.0}, {"top_p", 0.95}};
  if (config.contains("eos_token_id")) generation["eos_token_id"] = config["eos_token_id"];
  return generation;
}

std::string readme(const SynthOptions& options) {
  return fmt::format(
      "Random weights, made by `drawbridge synth --seed {} --dtype {}`. They are for measuring speed and memory: "
      "whatever this model says is noise.\n",
      options.seed, synth_dtype_name(options.dtype));
}

Status copy_tokenizer(const std::string& directory, const StagedDirectory& staged) {
  DB_TRY(staged.copy_file(directory + "/tokenizer.json", "tokenizer.json"));
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"}) {
    const std::string path = directory + "/" + name;
    std::error_code ignored;
    if (fs::exists(path, ignored)) DB_TRY(staged.copy_file(path, name));
  }
  return Status();
}

}  // namespace

Status synthesize(const SynthOptions& options, const SynthProgress& progress) {
  if (options.shard_bytes < 1) {
    return fail(Code::kInvalidArgument, "--shard-bytes: wanted at least 1, found {}", options.shard_bytes);
  }
  std::error_code ignored;
  const bool is_directory = fs::is_directory(options.source, ignored);
  const std::string path = is_directory ? options.source + "/config.json" : options.source;
  DB_ASSIGN(const std::string text, read_text_file(path, 16u << 20));
  DB_ASSIGN(const Json json, parse_json(text, path));
  DB_ASSIGN(const Glm52Config config, parse_glm52_config(json, path));
  const auto tensors = plan_tensors(config, options.dtype);
  int64_t total = 0;
  for (const PlannedTensor& tensor : tensors) total += tensor.spec.bytes();

  DB_ASSIGN(StagedDirectory staged, StagedDirectory::create(options.target));
  if (!options.tokenizer.empty()) DB_TRY(copy_tokenizer(options.tokenizer, staged));
  DB_TRY(check_room(staged.path(), total));
  WeightWriter writer(staged, options.seed, total, progress);
  DB_TRY(writer.write_shards(plan_shards(tensors, options.shard_bytes)));
  const Json stored = stored_config(json, stored_modules(tensors), config.n_layers);
  DB_TRY(staged.write_text("README.md", readme(options)));
  DB_TRY(staged.write_text("generation_config.json", pretty_json(stored_generation_config(json))));
  DB_TRY(staged.write_text("config.json", pretty_json(stored)));
  return staged.commit();
}

}  // namespace drawbridge
