#include "quantize/quantize.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/durable.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "base/staged_directory.h"
#include "base/units.h"
#include "checkpoint/shard_index.h"
#include "model/quark_config.h"
#include "quantize/cache_scales.h"
#include "quantize/column_weights.h"
#include "quantize/convert_tensor.h"
#include "quantize/journal.h"
#include "quantize/manifest.h"
#include "quantize/parallel.h"
#include "quantize/verify.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kJournalName = "drawbridge_journal.jsonl";
// Whatever else a model directory holds (weights in other formats, results) does not describe the target.
constexpr const char* kCopiedFiles[] = {"generation_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "added_tokens.json",
                                        "vocab.json",
                                        "merges.txt",
                                        "chat_template.jinja",
                                        "LICENSE"};

/// A bar for one stage, fed by all threads.
class Progress {
 public:
  Progress(const QuantizeOptions& options, std::string what, int64_t total)
      : options_(options), what_(std::move(what)), total_(total) {}

  void add(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    if (options_.progress) options_.progress(what_, std::min(done_, total_), total_);
  }

 private:
  const QuantizeOptions& options_;
  const std::string what_;
  const int64_t total_;
  std::mutex mutex_;
  int64_t done_ = 0;
};

/// The tensors of one file, and where each conversion's stand in it.
struct ShardLayout {
  std::vector<TensorSpec> tensors;
  std::map<size_t, std::vector<size_t>> index;  // conversion -> places of its tensors
};

/// The widest elements first, so that each tensor lies on a multiple of its size.
ShardLayout lay_out(const QuantizePlan& plan, const std::vector<size_t>& shard) {
  std::vector<std::pair<size_t, size_t>> order;  // conversion, tensor of it
  for (const size_t c : shard) {
    for (size_t t = 0; t < plan.conversions[c].tensors.size(); ++t) order.emplace_back(c, t);
  }
  const auto width = [&](const auto& place) {
    return dtype_bytes(plan.conversions[place.first].tensors[place.second].dtype);
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) { return width(a) > width(b); });
  ShardLayout layout;
  for (const size_t c : shard) layout.index[c].resize(plan.conversions[c].tensors.size());
  for (const auto& [c, t] : order) {
    layout.index[c][t] = layout.tensors.size();
    layout.tensors.push_back(plan.conversions[c].tensors[t]);
  }
  return layout;
}

Status check_paths(const QuantizeOptions& options) {
  std::error_code error;
  const fs::path source = fs::canonical(options.source, error);
  if (error) return fail(Code::kNotFound, "{}: cannot be opened: {}", options.source, error.message());
  const fs::path target = fs::weakly_canonical(options.target, error);
  if (error) return fail(Code::kInvalidArgument, "{}: is no usable path: {}", options.target, error.message());
  const auto [rest, unused] = std::mismatch(source.begin(), source.end(), target.begin(), target.end());
  if (rest != source.end()) return Status();
  return fail(Code::kInvalidArgument, "{}: lies in the source {}; wanted a directory outside of it", options.target,
              options.source);
}

std::vector<std::string> files_of(const std::vector<SourceTensor>& tensors) {
  std::set<std::string> files;
  for (const SourceTensor& tensor : tensors) {
    files.insert(tensor.data.file);
    if (!tensor.scale.file.empty()) files.insert(tensor.scale.file);
  }
  return {files.begin(), files.end()};
}

/// Matrices that hold NaN or infinity, found by reading everything once.
Result<std::vector<std::string>> find_unencodable(const std::vector<SourceTensor>& tensors, const FileReader& reader,
                                                  int64_t n_threads, Progress& progress,
                                                  std::vector<std::string>& notices) {
  std::vector<std::string> places(tensors.size());
  DB_TRY(run_parallel(tensors.size(), n_threads, [&](size_t i) {
    DB_ASSIGN(places[i], find_non_finite(tensors[i], reader));
    progress.add(tensors[i].bytes());
    return Status();
  }));
  std::vector<std::string> names;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (places[i].empty()) continue;
    notices.push_back(places[i] + " is NaN or infinite: the tensor is kept as it is stored");
    names.push_back(tensors[i].name);
  }
  return names;
}

int64_t thread_count(const QuantizeOptions& options) {
  return options.n_threads > 0 ? options.n_threads : std::max(1u, std::thread::hardware_concurrency());
}

/// The options as text, and what is in the file that they name.
Result<std::string> identity_text(const QuantizeOptions& options) {
  if (options.calibration.empty()) return options_text(options);
  DB_ASSIGN(const MappedFile file, MappedFile::open(options.calibration));
  Sha256 hash;
  hash.add(file.bytes());
  return fmt::format("{} (calibration of SHA-256 {})", options_text(options), hash.digest());
}

/// The source's config.json with a quantization_config that describes the target; without one when nothing is
/// quantized.
Json target_config(Json config, const QuantizePlan& plan) {
  std::vector<StoredModule> modules;
  for (const Conversion& conversion : plan.conversions) {
    const SourceTensor& source = conversion.source;
    if (!source.is_matrix()) continue;
    modules.push_back({source.module(), stored_format(conversion.format).value_or(*source.format)});
  }
  config.erase("quantization_config");
  Json quantization = quantization_config_json(modules, plan.config.n_layers);
  if (!quantization.is_null()) config["quantization_config"] = std::move(quantization);
  return config;
}

/// One run on a staged target.
class QuantizeRun {
 public:
  QuantizeRun(const QuantizeOptions& options, const QuantizePlan& plan, const FileReader& reader,
              const ColumnWeights& columns, std::vector<KvScaleTensor> kv_scales, std::string identity_text)
      : options_(options),
        plan_(plan),
        reader_(reader),
        columns_(columns),
        kv_scales_(std::move(kv_scales)),
        n_threads_(thread_count(options)),
        identity_{plan.fingerprint(), std::move(identity_text), reader.fingerprints()},
        progress_(options, "quantizing", plan.source_bytes()) {}

  Result<QuantizeReport> run(StagedDirectory staged) {
    DB_ASSIGN(ShardJournal journal, ShardJournal::open(staged.path() + "/" + kJournalName, identity_));
    DB_TRY(keep_finished(staged.path(), journal));
    DB_TRY(check_room(staged.path(), missing_bytes()));
    DB_TRY(after(QuantizeStep::kStarted));
    for (size_t s = 0; s < plan_.shards.size(); ++s) {
      if (done_.count(s) == 0) DB_TRY(write_shard(s, staged.path(), journal));
    }
    DB_TRY(reader_.check_unchanged());
    DB_TRY(write_files(staged, journal.finished()));
    DB_TRY(verify(staged.path(), journal.finished()));
    DB_TRY(after(QuantizeStep::kVerified));
    DB_TRY(staged.commit());
    std::error_code ignored;  // should it stay, it is a file that nobody reads
    fs::remove(options_.target + "/" + kJournalName, ignored);
    report_.source_bytes = plan_.source_bytes();
    report_.target_bytes = plan_.target_bytes();
    report_.n_shards = static_cast<int64_t>(plan_.shards.size());
    report_.notices.insert(report_.notices.end(), plan_.notices.begin(), plan_.notices.end());
    return report_;
  }

 private:
  Status after(QuantizeStep step) const { return options_.after_step ? options_.after_step(step) : Status(); }

  std::string name_of(size_t shard) const { return shard_name(shard, plan_.shards.size()); }

  int64_t source_bytes(size_t shard) const {
    int64_t sum = 0;
    for (const size_t c : plan_.shards[shard]) sum += plan_.conversions[c].source.bytes();
    return sum;
  }

  int64_t missing_bytes() const {
    int64_t sum = 0;
    for (size_t s = 0; s < plan_.shards.size(); ++s) {
      if (done_.count(s) != 0) continue;
      for (const size_t c : plan_.shards[s]) sum += plan_.conversions[c].target_bytes();
    }
    return sum;
  }

  /// Files that an earlier run finished and that still are what it wrote.
  Status keep_finished(const std::string& directory, const ShardJournal& journal) {
    for (size_t s = 0; s < plan_.shards.size(); ++s) {
      const auto place = journal.finished().find(name_of(s));
      if (place == journal.finished().end()) continue;
      const Status intact = verify_shard(directory + "/" + name_of(s), lay_out(plan_, plan_.shards[s]).tensors,
                                         place->second, n_threads_, [](int64_t) {});
      if (!intact.ok()) {
        report_.notices.push_back(intact.message() + "; written again");
        continue;
      }
      done_.insert(s);
      ++report_.n_resumed;
      progress_.add(source_bytes(s));
    }
    return Status();
  }

  Status write_shard(size_t s, const std::string& directory, ShardJournal& journal) {
    const ShardLayout layout = lay_out(plan_, plan_.shards[s]);
    const std::string path = directory + "/" + name_of(s);
    const std::string temporary = path + ".tmp";
    DB_ASSIGN(ShardWriter writer, ShardWriter::create(temporary, layout.tensors));
    std::vector<TensorDigest> digests(layout.tensors.size());
    DB_TRY(convert_all(s, layout, writer, digests));
    DB_TRY(writer.finish());
    DB_TRY(reader_.check_unchanged());
    DB_TRY(after(QuantizeStep::kShardWritten));
    std::error_code error;
    fs::rename(temporary, path, error);
    if (error)
      return fail(Code::kPermissionDenied, "{}: cannot be renamed to {}: {}", temporary, path, error.message());
    DB_TRY(sync_path(directory));
    DB_TRY(after(QuantizeStep::kShardRenamed));
    DB_TRY(journal.add(name_of(s), digests));
    return after(QuantizeStep::kShardRecorded);
  }

  /// The largest first, so that no thread is left alone with one at the end.
  Status convert_all(size_t s, const ShardLayout& layout, const ShardWriter& writer,
                     std::vector<TensorDigest>& digests) {
    std::vector<size_t> order = plan_.shards[s];
    std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
      return plan_.conversions[a].source.bytes() > plan_.conversions[b].source.bytes();
    });
    return run_parallel(order.size(), n_threads_, [&](size_t i) {
      const Conversion& conversion = plan_.conversions[order[i]];
      const ConvertTarget target = {writer, layout.index.at(order[i])};
      ConvertOptions convert;
      convert.encode.rule = plan_.rule;
      const bool searches = plan_.rule == QuantizeRule::kSearch && conversion.format == TargetFormat::kMxfp4;
      if (searches) convert.encode.column_weight = columns_.of(conversion.source.module());
      convert.allow_nan = options_.allow_nan;
      convert.progress = [this](int64_t bytes) { progress_.add(bytes); };
      DB_ASSIGN(const std::vector<std::string> hashes, convert_tensor(conversion, reader_, target, convert));
      for (size_t t = 0; t < hashes.size(); ++t) digests[target.index[t]] = {conversion.tensors[t].name, hashes[t]};
      return Status();
    });
  }

  Status write_files(const StagedDirectory& staged, const FinishedShards& shards) const {
    const std::string path = options_.source + "/config.json";
    DB_ASSIGN(const std::string text, read_text_file(path, 16u << 20));
    DB_ASSIGN(const Json config, parse_json(text, path));
    DB_TRY(staged.write_text("config.json", pretty_json(target_config(config, plan_))));
    if (shards.size() > 1) {
      DB_TRY(staged.write_text(kShardIndexName, shard_index_text(plan_, shards)));
    }
    for (const char* name : kCopiedFiles) {
      std::error_code error;
      fs::remove(staged.path() + "/" + name, error);  // of an earlier run, perhaps cut short
      if (!fs::exists(options_.source + "/" + name, error)) continue;
      DB_TRY(staged.copy_file(options_.source + "/" + name, name));
    }
    std::error_code ignored;  // none was left by an earlier run
    fs::remove(fmt::format("{}/{}", staged.path(), kKvScalesFile), ignored);
    if (!kv_scales_.empty()) DB_TRY(write_kv_scales(staged.path(), kv_scales_));
    DB_TRY(staged.write_text(kManifestName, manifest_text(options_, plan_, identity_, shards)));
    return after(QuantizeStep::kFilesWritten);
  }

  Status verify(const std::string& directory, const FinishedShards& shards) const {
    Progress progress(options_, "verifying", plan_.target_bytes());
    for (size_t s = 0; s < plan_.shards.size(); ++s) {
      DB_TRY(verify_shard(directory + "/" + name_of(s), lay_out(plan_, plan_.shards[s]).tensors, shards.at(name_of(s)),
                          n_threads_, [&](int64_t bytes) { progress.add(bytes); }));
    }
    return Status();
  }

  const QuantizeOptions& options_;
  const QuantizePlan& plan_;
  const FileReader& reader_;
  const ColumnWeights& columns_;
  const std::vector<KvScaleTensor> kv_scales_;  // none: the target gets no file of them
  const int64_t n_threads_;
  const RunIdentity identity_;
  Progress progress_;
  std::set<size_t> done_;
  QuantizeReport report_;
};

}  // namespace

Result<QuantizeReport> quantize(const QuantizeOptions& options) {
  DB_TRY(check_paths(options));
  DB_ASSIGN(const Glm52Config config, load_glm52_config(options.source));
  DB_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(options.source, Contents::kHeader));
  if (!checkpoint.incomplete().empty()) return fail(Code::kCorrupt, "{}", checkpoint.incomplete()[0]);
  DB_ASSIGN(std::vector<SourceTensor> tensors, list_source_tensors(config, checkpoint));
  DB_ASSIGN(const FileReader reader, FileReader::open(files_of(tensors)));
  PlanOptions plan_options = options.plan;
  std::vector<std::string> nan_notices;
  if (options.allow_nan) {
    int64_t total = 0;
    for (const SourceTensor& tensor : tensors) total += tensor.bytes();
    Progress progress(options, "looking for NaN", total);
    DB_ASSIGN(plan_options.unencodable,
              find_unencodable(tensors, reader, thread_count(options), progress, nan_notices));
  }
  DB_ASSIGN(QuantizePlan plan, make_quantize_plan(config, std::move(tensors), plan_options));
  plan.notices.insert(plan.notices.end(), nan_notices.begin(), nan_notices.end());
  ColumnWeights columns;
  if (plan.rule == QuantizeRule::kSearch) {
    DB_ASSIGN(columns, ColumnWeights::load(plan, options.calibration, options.allow_uncalibrated, plan.notices));
  }
  DB_ASSIGN(std::vector<KvScaleTensor> kv_scales, target_kv_scales(config, options.source, options.calibration));
  DB_ASSIGN(std::string identity, identity_text(options));
  DB_ASSIGN(StagedDirectory staged, StagedDirectory::resume(options.target));
  return QuantizeRun(options, plan, reader, columns, std::move(kv_scales), std::move(identity)).run(std::move(staged));
}

}  // namespace drawbridge
