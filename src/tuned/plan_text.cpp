#include "tuned/plan_text.h"

#include <array>
#include <charconv>

namespace drawbridge {
namespace {

constexpr std::string_view kExpand = "+expand";
constexpr int32_t kMaxStrip = 1024;

constexpr std::array kStages = {ProductStage::kLinear, ProductStage::kHeads, ProductStage::kMoeHidden,
                                ProductStage::kMoeOutput};
constexpr std::array kInputs = {PanelInput::kF32, PanelInput::kBf16, PanelInput::kInt8};
constexpr std::array kFormats = {WeightFormat::kF32,      WeightFormat::kF16,   WeightFormat::kBF16,
                                 WeightFormat::kFp8Block, WeightFormat::kMxfp4, WeightFormat::kQ8};
static_assert(kFormats.size() == kWeightFormats);

/// The one of `all` that `name_of` calls `name`.
template <typename T, size_t N>
Result<T> named(std::string_view name, const std::array<T, N>& all, const char* (*name_of)(T),
                const std::string& source) {
  std::string known;
  for (const T one : all) {
    if (name == name_of(one)) return one;
    known += (known.empty() ? "" : ", ") + std::string(name_of(one));
  }
  return fail(Code::kCorrupt, "{}: wanted one of {}, found \"{}\"", source, known, name.substr(0, 40));
}

/// A whole number at the front of `text`, which loses it.
bool take_number(std::string_view& text, int32_t& value) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return true;
}

}  // namespace

std::string plan_text(const TilePlan& plan) {
  return fmt::format("{}x{}{}", plan.columns, plan.strip, plan.expand ? kExpand : "");
}

Result<TilePlan> plan_from_text(std::string_view text, const std::string& source) {
  TilePlan plan;
  std::string_view rest = text;
  bool ok = take_number(rest, plan.columns) && rest.starts_with('x');
  if (ok) rest.remove_prefix(1);
  ok = ok && take_number(rest, plan.strip);
  plan.expand = rest == kExpand;
  ok = ok && (plan.expand || rest.empty());
  ok = ok && plan.columns >= 1 && plan.columns <= kMaxTileColumns && plan.strip >= 1 && plan.strip <= kMaxStrip;
  if (ok) return plan;
  return fail(Code::kCorrupt,
              "{}: wanted a plan such as 8x2 or 8x2{} (1 to {} columns, strips of 1 to {}), found \"{}\"", source,
              kExpand, kMaxTileColumns, kMaxStrip, text.substr(0, 40));
}

const char* stage_name(ProductStage stage) {
  switch (stage) {
    case ProductStage::kLinear:
      return "linear";
    case ProductStage::kHeads:
      return "heads";
    case ProductStage::kMoeHidden:
      return "moe_hidden";
    case ProductStage::kMoeOutput:
      return "moe_output";
  }
  return "unknown";
}

Result<ProductStage> stage_from_name(std::string_view name, const std::string& source) {
  return named(name, kStages, stage_name, source);
}

const char* panel_input_name(PanelInput input) {
  switch (input) {
    case PanelInput::kF32:
      return "f32";
    case PanelInput::kBf16:
      return "bf16";
    case PanelInput::kInt8:
      return "int8";
  }
  return "unknown";
}

Result<PanelInput> panel_input_from_name(std::string_view name, const std::string& source) {
  return named(name, kInputs, panel_input_name, source);
}

Result<WeightFormat> weight_format_from_name(std::string_view name, const std::string& source) {
  return named(name, kFormats, weight_format_name, source);
}

std::string key_text(const ProductKey& key) {
  std::string text = fmt::format("{} {} x {} N={} K={}", stage_name(key.stage), weight_format_name(key.format),
                                 panel_input_name(key.input), key.n, key.k);
  if (key.experts > 0) text += fmt::format(" E={} topk={}", key.experts, key.experts_per_token);
  return text;
}

}  // namespace drawbridge
