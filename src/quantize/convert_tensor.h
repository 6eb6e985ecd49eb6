// Converts one tensor: reads it piece by piece, encodes, hashes and writes it. Memory does not grow with the tensor.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/shard_writer.h"
#include "quantize/encode.h"
#include "quantize/file_reader.h"

namespace drawbridge {

struct ConvertOptions {
  EncodeOptions encode;
  bool allow_nan = false;                       // of what is copied: NaN and infinity pass
  std::function<void(int64_t bytes)> progress;  // bytes of the source that were just done
};

/// Where the tensors of a conversion go: index in `writer` of each.
struct ConvertTarget {
  const ShardWriter& writer;
  std::vector<size_t> index;
};

/// The SHA-256 of each tensor written. Errors: a value that is NaN or infinite, by name and place.
Result<std::vector<std::string>> convert_tensor(const Conversion& conversion, const FileReader& reader,
                                                const ConvertTarget& target, const ConvertOptions& options);

/// Reads `source` and tells where the first value that is NaN or infinite stands, as "[3, 17] is nan"; empty: nowhere.
Result<std::string> find_non_finite(const SourceTensor& source, const FileReader& reader);

}  // namespace drawbridge
