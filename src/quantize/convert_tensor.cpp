#include "quantize/convert_tensor.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/sha256.h"

namespace drawbridge {
namespace {

constexpr int64_t kPieceElements = 1 << 20;
constexpr int64_t kPieceBytes = 4 << 20;

bool is_finite(DType dtype, const std::byte* at) {
  switch (dtype) {
    case DType::kF32:
      return std::isfinite(*reinterpret_cast<const float*>(at));
    case DType::kF16:
      return (*reinterpret_cast<const uint16_t*>(at) & 0x7c00u) != 0x7c00u;
    case DType::kBF16:
      return (*reinterpret_cast<const uint16_t*>(at) & 0x7f80u) != 0x7f80u;
    case DType::kF8E4M3:
      return (std::to_integer<unsigned>(*at) & 0x7fu) != 0x7fu;
    default:
      return true;
  }
}

/// Index of the first element that is NaN or infinite.
std::optional<int64_t> first_non_finite(DType dtype, std::span<const std::byte> bytes) {
  const auto size = static_cast<size_t>(dtype_bytes(dtype));
  for (size_t at = 0; at + size <= bytes.size(); at += size) {
    if (!is_finite(dtype, bytes.data() + at)) return static_cast<int64_t>(at / size);
  }
  return std::nullopt;
}

/// "[3, 17]" of element `index` in a tensor of this shape.
std::string place_text(const std::vector<int64_t>& shape, int64_t index) {
  std::string text;
  for (size_t i = shape.size(); i-- > 0;) {
    const int64_t extent = std::max<int64_t>(1, shape[i]);
    text = fmt::format("{}{}{}", index % extent, text.empty() ? "" : ", ", text);
    index /= extent;
  }
  return "[" + text + "]";
}

/// Calls use(from, piece) for each piece of what is stored.
template <typename Use>
Status for_each_piece(const StoredBytes& stored, const FileReader& reader, Use use) {
  std::vector<std::byte> buffer(static_cast<size_t>(std::min(kPieceBytes, stored.bytes)));
  for (int64_t from = 0; from < stored.bytes; from += kPieceBytes) {
    const std::span piece = std::span(buffer).first(static_cast<size_t>(std::min(kPieceBytes, stored.bytes - from)));
    DB_TRY(reader.read(stored, from, piece));
    DB_TRY(use(from, std::span<const std::byte>(piece)));
  }
  return Status();
}

/// The data and the scale of a source tensor, as plain tensors.
struct Part {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  const StoredBytes* stored;
  bool is_e8m0 = false;
};

std::vector<Part> parts_of(const SourceTensor& source) {
  std::vector<Part> parts = {{source.name, source.dtype, source.shape, &source.data}};
  if (!source.scale_name.empty()) {
    parts.push_back(
        {source.scale_name, source.scale_dtype, source.scale_shape, &source.scale, source.scale_dtype == DType::kU8});
  }
  return parts;
}

std::optional<int64_t> first_non_finite(const Part& part, std::span<const std::byte> piece) {
  if (!part.is_e8m0) return first_non_finite(part.dtype, piece);
  const auto nan = std::find(piece.begin(), piece.end(), std::byte{255});
  if (nan == piece.end()) return std::nullopt;
  return nan - piece.begin();
}

Status non_finite_failure(const std::string& file, const std::string& name, const std::string& place) {
  return fail(Code::kInvalidArgument,
              "{}: tensor {}: element {} is NaN or infinite; --allow-nan keeps such a matrix as it is stored", file,
              name, place);
}

/// Copies data and scale as they are.
Result<std::vector<std::string>> copy_tensor(const Conversion& conversion, const FileReader& reader,
                                             const ConvertTarget& target, const ConvertOptions& options) {
  std::vector<std::string> digests;
  for (const Part& part : parts_of(conversion.source)) {
    Sha256 hash;
    DB_TRY(for_each_piece(*part.stored, reader, [&](int64_t from, std::span<const std::byte> piece) {
      const auto bad = options.allow_nan ? std::nullopt : first_non_finite(part, piece);
      if (bad) {
        const int64_t index = from / dtype_bytes(part.dtype) + *bad;
        return non_finite_failure(part.stored->file, part.name, place_text(part.shape, index));
      }
      hash.add(piece);
      options.progress(static_cast<int64_t>(piece.size()));
      return target.writer.write(target.index[digests.size()], from, piece);
    }));
    digests.push_back(hash.digest());
  }
  return digests;
}

/// Rows of a stored matrix as f32, a few at a time.
class RowReader {
 public:
  RowReader(const SourceTensor& source, const FileReader& reader)
      : source_(source), reader_(reader), row_bytes_(matrix_row_bytes(*source.format, source.k)) {}

  Status open() {
    scale_.resize(static_cast<size_t>(source_.scale.bytes));
    return scale_.empty() ? Status() : reader_.read(source_.scale, 0, scale_);
  }

  /// `from` is a multiple of 128.
  Result<std::span<const float>> rows(int64_t from, int64_t count) {
    stored_.resize(static_cast<size_t>(count * row_bytes_));
    DB_TRY(reader_.read(source_.data, from * row_bytes_, stored_));
    values_.resize(static_cast<size_t>(count * source_.k));
    const Matrix piece{*source_.format, count, source_.k, stored_.data(), scale_.data() + scale_begin(from)};
    for (int64_t i = 0; i < count; ++i) dequantize_row(piece, i, values_.data() + i * source_.k);
    return std::span<const float>(values_);
  }

 private:
  /// Bytes of scales before row `from`.
  int64_t scale_begin(int64_t from) const {
    if (source_.scale_shape.empty()) return 0;
    const int64_t rows_a_scale = *source_.format == WeightFormat::kFp8Block ? kFp8BlockEdge : 1;
    return from / rows_a_scale * source_.scale_shape[1] * dtype_bytes(source_.scale_dtype);
  }

  const SourceTensor& source_;
  const FileReader& reader_;
  const int64_t row_bytes_;
  std::vector<std::byte> stored_;
  std::vector<std::byte> scale_;
  std::vector<float> values_;
};

/// A whole number of 128 rows, so that blocks of FP8 are never cut.
int64_t rows_a_piece(int64_t k) {
  return std::max<int64_t>(1, kPieceElements / k / kFp8BlockEdge) * kFp8BlockEdge;
}

Result<std::vector<std::string>> encode_tensor(const Conversion& conversion, const FileReader& reader,
                                               const ConvertTarget& target, const ConvertOptions& options) {
  const SourceTensor& source = conversion.source;
  RowReader row_reader(source, reader);
  DB_TRY(row_reader.open());
  std::vector<Sha256> hashes(conversion.tensors.size());
  std::vector<int64_t> written(conversion.tensors.size());
  const int64_t step = rows_a_piece(source.k);
  for (int64_t from = 0; from < source.n; from += step) {
    const int64_t count = std::min(step, source.n - from);
    DB_ASSIGN(const std::span<const float> rows, row_reader.rows(from, count));
    if (const auto bad = first_non_finite(DType::kF32, std::as_bytes(rows))) {
      return non_finite_failure(source.data.file, source.name,
                                place_text({source.n, source.k}, from * source.k + *bad));
    }
    if (conversion.format == TargetFormat::kQ8 && max_abs(rows) > kLargestQ8) {
      return fail(Code::kInvalidArgument, "{}: tensor {}: holds {}, whose q8 scale is beyond f16; wanted at most {}",
                  source.data.file, source.name, max_abs(rows), kLargestQ8);
    }
    const EncodedRows encoded = encode_rows(rows, source.k, conversion.format, options.encode);
    const std::span<const std::byte> pieces[] = {encoded.data, encoded.scale};
    for (size_t i = 0; i < hashes.size(); ++i) {
      hashes[i].add(pieces[i]);
      DB_TRY(target.writer.write(target.index[i], written[i], pieces[i]));
      written[i] += static_cast<int64_t>(pieces[i].size());
    }
    options.progress(count * source.bytes() / source.n);
  }
  std::vector<std::string> digests;
  for (Sha256& hash : hashes) digests.push_back(hash.digest());
  return digests;
}

}  // namespace

Result<std::vector<std::string>> convert_tensor(const Conversion& conversion, const FileReader& reader,
                                                const ConvertTarget& target, const ConvertOptions& options) {
  DB_CHECK(target.index.size() == conversion.tensors.size());
  if (conversion.format == TargetFormat::kKeep) return copy_tensor(conversion, reader, target, options);
  return encode_tensor(conversion, reader, target, options);
}

Result<std::string> find_non_finite(const SourceTensor& source, const FileReader& reader) {
  std::string found;
  for (const Part& part : parts_of(source)) {
    DB_TRY(for_each_piece(*part.stored, reader, [&](int64_t from, std::span<const std::byte> piece) {
      const auto bad = found.empty() ? first_non_finite(part, piece) : std::nullopt;
      if (bad) found = part.name + " " + place_text(part.shape, from / dtype_bytes(part.dtype) + *bad);
      return Status();
    }));
  }
  return found;
}

}  // namespace drawbridge
