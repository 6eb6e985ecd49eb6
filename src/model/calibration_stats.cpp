#include "model/calibration_stats.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <span>

#include "base/mapped_file.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"

namespace drawbridge {
namespace {

constexpr std::string_view kTokens = "n_tokens";
constexpr std::string_view kRows = "n_rows.";
constexpr std::string_view kMeanSquare = "input_mean_square.";
constexpr std::string_view kLatent = "latent_amax.";
constexpr std::string_view kIndex = "index_amax.";

struct OutTensor {
  TensorSpec spec;
  std::span<const std::byte> data;
};

/// The tensors of a file in their order: the widest elements first, so that none is misaligned.
std::vector<OutTensor> tensors_of(const CalibrationStats& stats) {
  std::vector<OutTensor> tensors;
  const auto add = [&](std::string name, DType dtype, int64_t n, const auto* data) {
    tensors.push_back({{std::move(name), dtype, {n}}, std::as_bytes(std::span(data, static_cast<size_t>(n)))});
  };
  add(std::string(kTokens), DType::kI64, 1, &stats.n_tokens);
  for (const auto& [module, n] : stats.n_rows) add(std::string(kRows) + module, DType::kI64, 1, &n);
  for (const auto& [module, mean] : stats.input_mean_square) {
    add(std::string(kMeanSquare) + module, DType::kF32, static_cast<int64_t>(mean.size()), mean.data());
  }
  for (const auto& [layer, amax] : stats.latent_amax) add(fmt::format("{}{}", kLatent, layer), DType::kF32, 1, &amax);
  for (const auto& [layer, amax] : stats.index_amax) add(fmt::format("{}{}", kIndex, layer), DType::kF32, 1, &amax);
  return tensors;
}

class Reader {
 public:
  Reader(std::span<const std::byte> file, std::string path) : file_(file), path_(std::move(path)) {}

  Result<CalibrationStats> read() {
    DB_ASSIGN(const std::vector<TensorInfo> tensors, parse_safetensors_header(file_, path_));
    for (const TensorInfo& tensor : tensors) DB_TRY(read_tensor(tensor));
    if (stats_.n_tokens == 0) return fail(Code::kCorrupt, "{}: {}: wanted a tensor, found none", path_, kTokens);
    for (const auto& [module, mean] : stats_.input_mean_square) {
      if (stats_.n_rows.count(module) == 0) {
        return fail(Code::kCorrupt, "{}: {}{}: wanted beside {}{}, found nothing", path_, kRows, module, kMeanSquare,
                    module);
      }
    }
    for (const auto& [module, n] : stats_.n_rows) {
      if (stats_.input_mean_square.count(module) == 0) {
        return fail(Code::kCorrupt, "{}: {}{}: wanted beside {}{}, found nothing", path_, kMeanSquare, module, kRows,
                    module);
      }
    }
    return std::move(stats_);
  }

 private:
  Status read_tensor(const TensorInfo& tensor) {
    const std::string_view name = tensor.name;
    if (name == kTokens) return count(tensor, 1, stats_.n_tokens);
    if (name.starts_with(kRows)) return count(tensor, 0, stats_.n_rows[tensor.name.substr(kRows.size())]);
    if (name.starts_with(kMeanSquare)) {
      DB_ASSIGN(std::vector<float> mean, values(tensor));
      stats_.input_mean_square[tensor.name.substr(kMeanSquare.size())] = std::move(mean);
      return Status();
    }
    if (name.starts_with(kLatent)) return amax(tensor, name.substr(kLatent.size()), stats_.latent_amax);
    if (name.starts_with(kIndex)) return amax(tensor, name.substr(kIndex.size()), stats_.index_amax);
    return fail(Code::kCorrupt, "{}: {}: wanted only {}, {}*, {}*, {}* and {}*", path_, name, kTokens, kRows,
                kMeanSquare, kLatent, kIndex);
  }

  Status check(const TensorInfo& tensor, DType dtype) const {
    if (tensor.dtype == dtype && tensor.shape.size() == 1 && tensor.shape[0] > 0) return Status();
    return fail(Code::kCorrupt, "{}: {}: wanted {} [n], found {} of rank {}", path_, tensor.name, dtype_name(dtype),
                dtype_name(tensor.dtype), tensor.shape.size());
  }

  Status count(const TensorInfo& tensor, int64_t least, int64_t& out) const {
    DB_TRY(check(tensor, DType::kI64));
    std::memcpy(&out, file_.data() + tensor.begin, sizeof out);
    if (tensor.shape[0] == 1 && out >= least) return Status();
    return fail(Code::kCorrupt, "{}: {}: wanted one value of at least {}, found [{}], the first {}", path_, tensor.name,
                least, tensor.shape[0], out);
  }

  Result<std::vector<float>> values(const TensorInfo& tensor) const {
    DB_TRY(check(tensor, DType::kF32));
    std::vector<float> out(static_cast<size_t>(tensor.shape[0]));
    std::memcpy(out.data(), file_.data() + tensor.begin, out.size() * sizeof(float));
    for (size_t i = 0; i < out.size(); ++i) {
      if (std::isfinite(out[i]) && out[i] >= 0) continue;
      return fail(Code::kCorrupt, "{}: {}[{}]: wanted a finite value of at least 0, found {}", path_, tensor.name, i,
                  out[i]);
    }
    return out;
  }

  Status amax(const TensorInfo& tensor, std::string_view layer, std::map<int, float>& out) const {
    int number = 0;
    const char* const end = layer.data() + layer.size();
    const auto [rest, error] = std::from_chars(layer.data(), end, number);
    if (error != std::errc() || rest != end || number < 0 || layer != fmt::format("{}", number)) {
      return fail(Code::kCorrupt, "{}: {}: wanted a layer's number at its end, found '{}'", path_, tensor.name, layer);
    }
    DB_ASSIGN(const std::vector<float> found, values(tensor));
    if (found.size() != 1) {
      return fail(Code::kCorrupt, "{}: {}: wanted one value, found {}", path_, tensor.name, found.size());
    }
    out[number] = found[0];
    return Status();
  }

  std::span<const std::byte> file_;
  std::string path_;
  CalibrationStats stats_;
};

}  // namespace

bool CalibrationStats::is_fallback(const std::string& module) const {
  const auto place = n_rows.find(module);
  return place != n_rows.end() && place->second == 0;
}

Status write_calibration_stats(const CalibrationStats& stats, const std::string& path) {
  const std::vector<OutTensor> tensors = tensors_of(stats);
  std::vector<TensorSpec> specs;
  for (const OutTensor& tensor : tensors) specs.push_back(tensor.spec);
  const std::string partial = path + ".partial";
  DB_ASSIGN(SafetensorsWriter writer, SafetensorsWriter::create(partial, specs));
  for (const OutTensor& tensor : tensors) DB_TRY(writer.append(tensor.data));
  DB_TRY(writer.finish());
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (!error) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be renamed to {}: {}", partial, path, error.message());
}

Result<CalibrationStats> read_calibration_stats(const std::string& path) {
  DB_ASSIGN(const MappedFile file, MappedFile::open(path));
  return Reader(file.bytes(), path).read();
}

}  // namespace drawbridge
