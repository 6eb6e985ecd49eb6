// `drawbridge convert`: GGUF to a HuggingFace directory and back; which way follows from the source.
#include <fmt/ostream.h>

#include <filesystem>
#include <iostream>
#include <map>

#include "cli/progress_bar.h"
#include "cli/verbs.h"
#include "convert/convert.h"

namespace drawbridge {
namespace {

struct ConvertVerb {
  std::string source;
  std::string target;
  ExportType type = ExportType::kKeep;
  int64_t shard_bytes = ImportOptions().shard_bytes;
  bool has_type = false;
  bool has_shard_bytes = false;
};

Result<std::vector<std::string>> convert(const ConvertVerb& o, const ConvertProgress& progress) {
  std::error_code ignored;
  if (std::filesystem::is_directory(o.source, ignored)) {
    if (o.has_shard_bytes) return fail(Code::kInvalidArgument, "--shard-bytes: a GGUF file is written as one file");
    return export_gguf({o.source, o.target, o.type}, progress);
  }
  if (o.has_type) {
    return fail(Code::kInvalidArgument,
                "--type: wanted a HuggingFace directory as the source; a GGUF file's types are kept");
  }
  if (o.shard_bytes < 1)
    return fail(Code::kInvalidArgument, "--shard-bytes: wanted at least 1, found {}", o.shard_bytes);
  return import_gguf({o.source, o.target, o.shard_bytes}, progress);
}

Status run_convert(const ConvertVerb& o) {
  ProgressBar bar("converting");
  DB_ASSIGN(const auto notices, convert(o, [&bar](int64_t done, int64_t total) { bar.show(done, total); }));
  for (const std::string& notice : notices) fmt::print(std::cerr, "convert: {}\n", notice);
  return Status();
}

}  // namespace

void add_convert(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("convert", "GGUF file (glm-dsa) to HuggingFace directory, or the reverse");
  const auto o = std::make_shared<ConvertVerb>();
  const std::map<std::string, ExportType> types = {{"keep", ExportType::kKeep},
                                                   {"bf16", ExportType::kBF16},
                                                   {"f16", ExportType::kF16},
                                                   {"q8_0", ExportType::kQ8_0},
                                                   {"mxfp4", ExportType::kMxfp4}};
  verb->add_option("source", o->source, "a GGUF file, or a HuggingFace directory")->required();
  verb->add_option("target", o->target, "directory or GGUF file to make; must not exist")->required();
  CLI::Option* type = verb->add_option("--type", o->type, "of matrices in a GGUF file: keep, bf16, f16, q8_0 or mxfp4")
                          ->transform(CLI::CheckedTransformer(types))
                          ->default_str("keep");
  CLI::Option* shard_bytes =
      verb->add_option("--shard-bytes", o->shard_bytes, "data of one safetensors file at most")->capture_default_str();
  verb->callback([o, type, shard_bytes, &action] {
    o->has_type = type->count() > 0;
    o->has_shard_bytes = shard_bytes->count() > 0;
    action = [o] { return run_convert(*o); };
  });
}

}  // namespace drawbridge
