#include "inspect/report.h"

#include <algorithm>
#include <span>

#include "base/text_table.h"
#include "base/units.h"
#include "model/kv_cache.h"

namespace drawbridge {
namespace {

/// What --kv-cache-dtype can choose for serving; the first is the default.
constexpr KvCacheType kCacheTypes[] = {KvCacheType::kBF16, KvCacheType::kFp8DsMla, KvCacheType::kFp8E4M3};

int64_t count_full(const Glm52Config& c) {
  int64_t n = 0;
  for (int64_t i = 0; i < c.n_all_layers(); ++i) n += c.is_full(i) ? 1 : 0;
  return n;
}

int64_t count_sparse(const Glm52Config& c) {
  int64_t n = 0;
  for (int64_t i = 0; i < c.n_layers; ++i) n += c.is_sparse(i) ? 1 : 0;
  return n;
}

/// "bf16", or with shares of the parameters: "mxfp4 97.2 %, bf16 2.8 %".
std::string formats_text(const PartInventory& part) {
  std::vector<std::pair<int64_t, std::string>> formats;
  for (const auto& [format, parameters] : part.formats) formats.emplace_back(parameters, format);
  std::sort(formats.rbegin(), formats.rend());
  std::string text;
  for (const auto& [parameters, format] : formats) {
    const double percent = 100 * static_cast<double>(parameters) / static_cast<double>(part.parameters);
    std::string share;
    if (percent < 0.05) {
      share = " <0.1 %";
    } else if (percent < 99.95) {
      share = fmt::format(" {:.1f} %", percent);
    }
    text += (text.empty() ? "" : ", ") + format + share;
  }
  return text;
}

std::string shape_text(const Glm52Config& c) {
  const int64_t n_full = count_full(c), n_sparse = count_sparse(c);
  std::string text;
  text += fmt::format("layers     {}{}, hidden {}, vocabulary {}, context {} tokens\n", c.n_layers,
                      c.n_mtp_layers > 0 ? " + 1 MTP" : "", c.hidden, format_integer(c.vocab),
                      format_integer(c.max_positions));
  text += fmt::format(
      "attention  {} heads of {} + {} rope (values {}), latents {} for queries, {} for keys; rope theta {:g}\n",
      c.n_heads, c.qk_nope, c.qk_rope, c.v_head, c.q_lora, c.kv_lora, c.rope_theta);
  text += fmt::format("indexer    {} heads of {}, top {}; {} full layers, {} shared\n", c.index_heads, c.index_dim,
                      c.index_topk, n_full, c.n_all_layers() - n_full);
  if (c.n_experts == 0) return text + fmt::format("mlp        dense, {} wide\n", c.intermediate);
  return text + fmt::format("experts    top {} of {} routed + {} shared, {} wide, on {} layers; {} dense, {} wide\n",
                            c.experts_per_token, c.n_experts, c.n_shared_experts, c.moe_intermediate, n_sparse,
                            c.n_layers - n_sparse, c.intermediate);
}

/// "KV cache   95.2 kB a token in bf16 (90.2 kB latent, 5.0 kB index keys), 52.9 kB in fp8_ds_mla, ..."
std::string cache_text(const Glm52Config& c) {
  const KvBytes bytes = kv_bytes_per_token(c, kCacheTypes[0]);
  std::string text =
      fmt::format("KV cache   {} a token in {} ({} latent, {} index keys)", format_bytes(bytes.total()),
                  kv_cache_type_name(kCacheTypes[0]), format_bytes(bytes.latent), format_bytes(bytes.index));
  for (const KvCacheType type : std::span(kCacheTypes).subspan(1)) {
    text += fmt::format(", {} in {}", format_bytes(kv_bytes_per_token(c, type).total()), kv_cache_type_name(type));
  }
  return text + "\n";
}

/// The default's bytes, and those of each type.
Json cache_json(const Glm52Config& c) {
  const KvBytes bytes = kv_bytes_per_token(c, kCacheTypes[0]);
  Json totals = Json::object();
  for (const KvCacheType type : kCacheTypes) totals[kv_cache_type_name(type)] = kv_bytes_per_token(c, type).total();
  return {{"dtype", dtype_name(DType::kBF16)}, {"latent", bytes.latent}, {"index", bytes.index}, {"total", totals}};
}

std::string parts_text(const Inspection& found) {
  TextTable table(
      {"<part", "parameters", "active", found.has_tensors ? "stored" : "as config's type", "read/token", "<formats"});
  const auto add = [&](const PartInventory& part) {
    table.add({part.name, format_count(part.parameters), format_count(part.active_parameters), format_bytes(part.bytes),
               format_bytes(part.active_bytes), formats_text(part)});
  };
  for (const PartInventory& part : found.inventory.parts) add(part);
  table.add_rule();
  add(found.inventory.total());
  return table.text();
}

std::string list_text(const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  constexpr size_t kMaxLines = 20;
  std::string text = "\n" + title + "\n";
  for (size_t i = 0; i < std::min(lines.size(), kMaxLines); ++i) text += "  - " + lines[i] + "\n";
  if (lines.size() > kMaxLines) text += fmt::format("  - and {} more\n", lines.size() - kMaxLines);
  return text;
}

std::string verdict_text(const Inspection& found) {
  if (!found.has_tensors) return "";
  const std::string files = fmt::format("{} tensors in {} file{}, {}", format_integer(found.n_tensors), found.n_files,
                                        found.n_files == 1 ? "" : "s", format_bytes(found.stored_bytes));
  return fmt::format("files      {}; {}\n", files,
                     found.loads() ? "all that the config asks for is there" : "NOT LOADABLE, see below");
}

}  // namespace

std::string inspection_text(const Inspection& found) {
  std::string text = fmt::format("{} (glm_moe_dsa)\n\n", found.name);
  text += shape_text(found.config) + cache_text(found.config);
  text += verdict_text(found) + "\n" + parts_text(found);
  text += list_text("Missing tensors:", group_names(found.inventory.missing));
  text += list_text("Incomplete files:", found.incomplete);
  text += list_text("Unusable tensors:", found.inventory.faults);
  std::vector<std::string> notices = found.inventory.notices;
  notices.insert(notices.end(), found.notices.begin(), found.notices.end());
  return text + list_text("Notices:", notices);
}

Json inspection_json(const Inspection& found) {
  const Glm52Config& c = found.config;
  const auto part_json = [](const PartInventory& part) {
    Json formats = Json::object();
    for (const auto& [format, parameters] : part.formats) formats[format] = parameters;
    return Json{
        {"name", part.name},   {"parameters", part.parameters},     {"active_parameters", part.active_parameters},
        {"bytes", part.bytes}, {"active_bytes", part.active_bytes}, {"formats", formats}};
  };
  Json layers = Json::array();
  for (int64_t i = 0; i < c.n_all_layers(); ++i) {
    layers.push_back({{"indexer", c.is_full(i) ? "full" : "shared"},
                      {"index_source", c.index_source(i)},
                      {"mlp", c.is_sparse(i) ? "sparse" : "dense"}});
  }
  Json parts = Json::array();
  for (const PartInventory& part : found.inventory.parts) parts.push_back(part_json(part));
  std::vector<std::string> notices = found.inventory.notices;
  notices.insert(notices.end(), found.notices.begin(), found.notices.end());
  return Json{{"model", found.name},
              {"architecture", "glm_moe_dsa"},
              {"loads", found.loads()},
              {"n_layers", c.n_layers},
              {"n_mtp_layers", c.n_mtp_layers},
              {"layers", layers},
              {"kv_bytes_per_token", cache_json(c)},
              {"n_files", found.n_files},
              {"n_tensors", found.n_tensors},
              {"stored_bytes", found.stored_bytes},
              {"total", part_json(found.inventory.total())},
              {"parts", parts},
              {"missing", found.inventory.missing},
              {"extra", found.inventory.extra},
              {"faults", found.inventory.faults},
              {"incomplete", found.incomplete},
              {"notices", notices}};
}

}  // namespace drawbridge
