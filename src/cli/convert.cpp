// `drawbridge convert`: GGUF to a HuggingFace directory.
#include <fmt/ostream.h>

#include <iostream>

#include "cli/progress_bar.h"
#include "cli/verbs.h"
#include "convert/import.h"

namespace drawbridge {
namespace {

Status run_convert(const ImportOptions& o) {
  ProgressBar bar("converting");
  DB_ASSIGN(const auto notices, import_gguf(o, [&bar](int64_t done, int64_t total) { bar.show(done, total); }));
  for (const std::string& notice : notices) fmt::print(std::cerr, "convert: {}\n", notice);
  return Status();
}

}  // namespace

void add_convert(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("convert", "make a HuggingFace directory of a GGUF file");
  const auto o = std::make_shared<ImportOptions>();
  verb->add_option("source", o->source, "GGUF file of architecture glm-dsa")->required();
  verb->add_option("target", o->target, "directory to make; must not exist")->required();
  verb->add_option("--shard-bytes", o->shard_bytes, "data of one file at most")->capture_default_str();
  verb->callback([o, &action] { action = [o] { return run_convert(*o); }; });
}

}  // namespace drawbridge
