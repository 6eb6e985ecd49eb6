#include "quantize/recipe.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "model/inventory.h"

namespace drawbridge {
namespace {

constexpr std::array kRecipes = {Recipe::kAmd, Recipe::kExperts, Recipe::kExpertsFp8, Recipe::kAll};

bool is_routed(const SourceTensor& tensor) {
  return tensor.part == ModelPart::kRoutedExpert && !tensor.is_mtp;
}

bool is_expert(const SourceTensor& tensor) {
  return is_routed(tensor) || (tensor.part == ModelPart::kSharedExpert && !tensor.is_mtp);
}

TargetFormat format_of(const SourceTensor& tensor, Recipe recipe) {
  const bool is_projection = tensor.part == ModelPart::kMtpProjection && tensor.is_matrix();
  switch (recipe) {
    case Recipe::kAmd:
      return is_expert(tensor) ? TargetFormat::kMxfp4 : TargetFormat::kKeep;
    case Recipe::kExperts:
      return is_routed(tensor) ? TargetFormat::kMxfp4 : TargetFormat::kKeep;
    case Recipe::kExpertsFp8:
      if (is_expert(tensor)) return TargetFormat::kMxfp4;
      return tensor.quantizable ? TargetFormat::kFp8 : TargetFormat::kKeep;
    case Recipe::kAll:
      return tensor.quantizable || is_projection ? TargetFormat::kMxfp4 : TargetFormat::kKeep;
  }
  return TargetFormat::kKeep;
}

/// Levenshtein's, over one row of the table.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row[b.size()];
}

/// The names that look most like a pattern that matched nothing, numbers replaced by `*`.
std::string nearest_names(const std::string& glob, const std::vector<SourceTensor>& tensors) {
  std::vector<std::string> names;
  for (const SourceTensor& tensor : tensors) {
    if (tensor.is_matrix()) names.push_back(tensor.name);
  }
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& line : group_names(names)) {
    const std::string name = line.substr(0, line.find(' '));
    ranked.emplace_back(edit_distance(glob, name), name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (size_t i = 0; i < std::min<size_t>(3, ranked.size()); ++i) nearest.push_back(ranked[i].second);
  return fmt::format("{}", fmt::join(nearest, ", "));
}

bool matches(const std::string& glob, const SourceTensor& tensor) {
  return ::fnmatch(glob.c_str(), tensor.name.c_str(), 0) == 0 ||
         ::fnmatch(glob.c_str(), tensor.module().c_str(), 0) == 0;
}

Status apply_override(const FormatOverride& wanted, const std::vector<SourceTensor>& tensors,
                      std::vector<TargetFormat>& formats) {
  const std::string text = fmt::format("--set '{}={}'", wanted.glob, target_format_name(wanted.format));
  bool found = false;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const SourceTensor& tensor = tensors[i];
    if (!matches(wanted.glob, tensor)) continue;
    found = true;
    if (wanted.format == TargetFormat::kKeep) {
      formats[i] = TargetFormat::kKeep;
      continue;
    }
    if (!tensor.is_matrix()) {
      return fail(Code::kInvalidArgument, "{}: names {}, which is no matrix of the model; the nearest that are: {}",
                  text, tensor.name, nearest_names(wanted.glob, tensors));
    }
    if (!fits_width(wanted.format, tensor.k)) {
      return fail(Code::kInvalidArgument, "{}: {} has {} columns, wanted a multiple of {}", text, tensor.name, tensor.k,
                  kMxfp4Block);
    }
    formats[i] = wanted.format;
  }
  if (found) return Status();
  return fail(Code::kNotFound, "{}: names no tensor; the nearest are: {}", text, nearest_names(wanted.glob, tensors));
}

}  // namespace

const char* recipe_name(Recipe recipe) {
  switch (recipe) {
    case Recipe::kAmd:
      return "amd";
    case Recipe::kExperts:
      return "experts";
    case Recipe::kExpertsFp8:
      return "experts+fp8";
    case Recipe::kAll:
      return "all";
  }
  return "unknown";
}

std::optional<Recipe> recipe_from_name(std::string_view name) {
  for (const Recipe recipe : kRecipes) {
    if (name == recipe_name(recipe)) return recipe;
  }
  return std::nullopt;
}

Result<FormatOverride> parse_format_override(const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals != std::string::npos && equals > 0) {
    const auto format = target_format_from_name(std::string_view(text).substr(equals + 1));
    if (format) return FormatOverride{text.substr(0, equals), *format};
  }
  return fail(Code::kInvalidArgument, "--set '{}': wanted GLOB=FORMAT with FORMAT keep, bf16, mxfp4, fp8 or q8", text);
}

Result<FormatChoice> choose_formats(const std::vector<SourceTensor>& tensors, Recipe recipe,
                                    const std::vector<FormatOverride>& overrides) {
  FormatChoice choice;
  std::vector<std::string> unfit;
  for (const SourceTensor& tensor : tensors) {
    const TargetFormat wanted = format_of(tensor, recipe);
    const bool fits = fits_width(wanted, tensor.k);
    if (!fits) unfit.push_back(tensor.name);
    choice.formats.push_back(fits ? wanted : TargetFormat::kKeep);
  }
  for (const std::string& line : group_names(unfit)) {
    choice.notices.push_back(fmt::format("{}: kept as stored, for its width is no multiple of {}", line, kMxfp4Block));
  }
  for (const FormatOverride& override_ : overrides) DB_TRY(apply_override(override_, tensors, choice.formats));
  for (size_t i = 0; i < tensors.size(); ++i) {
    // Encoding it once more could only lose.
    if (tensors[i].is_matrix() && stored_format(choice.formats[i]) == tensors[i].format) {
      choice.formats[i] = TargetFormat::kKeep;
    }
  }
  return choice;
}

}  // namespace drawbridge
