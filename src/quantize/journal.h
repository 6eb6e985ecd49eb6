// ShardJournal: which files of an unfinished target are complete, with a hash of each tensor, so that a run that was
// killed goes on where it was. One JSON object a line: first what is being made of what, then a line for each finished
// file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "quantize/file_reader.h"

namespace drawbridge {

/// What a run makes of what. Two runs that differ in it must not share a target.
struct RunIdentity {
  std::string plan;     // QuantizePlan::fingerprint
  std::string options;  // recipe, rule, overrides as text, for messages
  std::vector<FileFingerprint> sources;
};

struct TensorDigest {
  std::string name;
  std::string sha256;
};

/// Finished files, in the order of their tensors: file name -> tensors.
using FinishedShards = std::map<std::string, std::vector<TensorDigest>>;

/// Movable. Holds a lock on the file: one run at a time.
class ShardJournal {
 public:
  /// Opens or starts `path`. What an earlier run finished is in finished(); its last line may be torn.
  /// Errors: another run holds it, an earlier run made something else of something else.
  static Result<ShardJournal> open(const std::string& path, const RunIdentity& identity);

  ShardJournal(ShardJournal&& other) noexcept;
  ShardJournal& operator=(ShardJournal&&) = delete;
  ~ShardJournal();

  const FinishedShards& finished() const { return finished_; }
  /// Records that `shard` is complete and waits until the line is on disk.
  Status add(const std::string& shard, const std::vector<TensorDigest>& tensors);

 private:
  ShardJournal(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Status read(const RunIdentity& identity);
  Status append(const std::string& line);

  std::string path_;
  int fd_ = -1;
  FinishedShards finished_;
};

}  // namespace drawbridge
