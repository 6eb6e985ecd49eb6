#include "inspect/inspection.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "model/generation_config.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

Status look_at_tensors(Inspection& found) {
  std::error_code ignored;
  const bool any = fs::exists(found.directory + "/model.safetensors", ignored) ||
                   fs::exists(found.directory + "/model.safetensors.index.json", ignored);
  if (!any) {
    found.inventory = plan_inventory(found.config);
    found.notices.push_back("no safetensors file: the numbers follow from config.json alone");
    return Status();
  }
  DB_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(found.directory, Contents::kHeader));
  found.has_tensors = true;
  found.inventory = take_inventory(found.config, checkpoint);
  found.incomplete = checkpoint.incomplete();
  found.n_files = checkpoint.n_files();
  found.n_tensors = static_cast<int64_t>(checkpoint.tensors().size());
  for (const auto& [name, tensor] : checkpoint.tensors()) found.stored_bytes += tensor.bytes();
  return Status();
}

}  // namespace

bool Inspection::loads() const {
  return has_tensors && incomplete.empty() && inventory.missing.empty() && inventory.faults.empty();
}

Result<Inspection> inspect_directory(const std::string& directory) {
  Inspection found;
  found.directory = directory;
  found.name = fs::path(directory + "/").parent_path().filename().string();
  DB_ASSIGN(found.config, load_glm52_config(directory));
  DB_TRY(look_at_tensors(found));
  DB_ASSIGN(const GenerationConfig generation, load_generation_config(directory, found.config.vocab));
  found.notices.insert(found.notices.end(), generation.notices.begin(), generation.notices.end());
  if (!found.config.unknown_keys.empty()) {
    found.notices.push_back(
        fmt::format("config.json: keys that nothing reads: {}", fmt::join(found.config.unknown_keys, ", ")));
  }
  std::error_code ignored;
  for (const char* file : {"tokenizer.json", "chat_template.jinja"}) {
    if (!fs::exists(directory + "/" + file, ignored)) found.notices.push_back(fmt::format("{}: absent", file));
  }
  return found;
}

}  // namespace drawbridge
