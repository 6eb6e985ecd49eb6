#include "eval/compare.h"

#include <algorithm>
#include <map>

#include "stats/sample_size.h"
#include "stats/standard_error.h"

namespace drawbridge {
namespace {

using ItemKey = std::pair<std::string, int64_t>;

std::string item_name(const ItemResult& item) {
  return item.trial == 0 ? item.id : fmt::format("{}#{}", item.id, item.trial);
}

const std::string& cluster_of(const ItemResult& item) {
  return item.cluster.empty() ? item.id : item.cluster;
}

/// "gsm8k (flexible-extract, exact_match, 5-shot)".
std::string task_name(const TaskResult& task) {
  return fmt::format("{} ({}, {}, {}-shot)", task.task, task.filter, task.metric, task.n_shot);
}

bool same_task(const TaskResult& a, const TaskResult& b) {
  return a.task == b.task && a.version == b.version && a.filter == b.filter && a.n_shot == b.n_shot &&
         a.metric == b.metric;
}

const TaskResult* find_task(const SystemResult& system, const TaskResult& wanted) {
  for (const TaskResult& task : system.tasks) {
    if (same_task(task, wanted)) return &task;
  }
  return nullptr;
}

Status only_one_side(const TaskResult& task, const std::string& label, const std::string& item, int64_t n) {
  return fail(Code::kInvalidArgument,
              "{}: wanted the same items in both results, found {} only in \"{}\", {} the first: run the other again",
              task_name(task), n, label, item);
}

struct ItemPair {
  const ItemResult* baseline;
  const ItemResult* candidate;
};

/// Items of both sides in the baseline's order.
Result<std::vector<ItemPair>> pair_items(const SystemResult& a, const TaskResult& task_a, const SystemResult& b,
                                         const TaskResult& task_b) {
  std::map<ItemKey, const ItemResult*> rest;
  for (const ItemResult& item : task_b.items) rest[{item.id, item.trial}] = &item;
  std::vector<ItemPair> pairs;
  std::string first_missing;
  for (const ItemResult& item : task_a.items) {
    const auto found = rest.find({item.id, item.trial});
    if (found == rest.end()) {
      if (first_missing.empty()) first_missing = item_name(item);
      continue;
    }
    pairs.push_back({&item, found->second});
    rest.erase(found);
  }
  const auto n_missing = static_cast<int64_t>(task_a.items.size() - pairs.size());
  if (n_missing > 0) return only_one_side(task_a, a.label, first_missing, n_missing);
  if (!rest.empty()) {
    return only_one_side(task_a, b.label, item_name(*rest.begin()->second), static_cast<int64_t>(rest.size()));
  }
  if (pairs.empty()) return fail(Code::kInvalidArgument, "{}: wanted items to compare, found none", task_name(task_a));
  return pairs;
}

Status check_pair(const ItemPair& pair, const TaskResult& task) {
  if (pair.baseline->expected != pair.candidate->expected) {
    return fail(Code::kInvalidArgument,
                "{}: item {}: the results expect \"{}\" and \"{}\": they come from different data", task_name(task),
                item_name(*pair.baseline), pair.baseline->expected, pair.candidate->expected);
  }
  if (cluster_of(*pair.baseline) == cluster_of(*pair.candidate)) return Status();
  return fail(Code::kInvalidArgument, "{}: item {}: the results put it in clusters \"{}\" and \"{}\"", task_name(task),
              item_name(*pair.baseline), cluster_of(*pair.baseline), cluster_of(*pair.candidate));
}

/// An accuracy of 0 or 1 has no variance to plan with: it is taken as one question away from that.
int64_t unpaired_questions(const PairedReport& paired, double margin) {
  const double one_flip = 1.0 / static_cast<double>(paired.n_clusters + 1);
  return unpaired_sample_size(std::clamp(paired.baseline, one_flip, 1 - one_flip), margin);
}

Result<TaskComparison> compare_task(const std::vector<ItemPair>& pairs, const TaskResult& a, const TaskResult& b,
                                    const PairedOptions& options) {
  TaskComparison found;
  found.task = a.task;
  found.version = a.version;
  found.filter = a.filter;
  found.n_shot = a.n_shot;
  found.metric = a.metric;
  found.baseline = score_of(a);
  found.candidate = score_of(b);
  std::vector<PairedItem> items;
  for (const ItemPair& pair : pairs) {
    DB_TRY(check_pair(pair, a));
    items.push_back({cluster_of(*pair.baseline), pair.baseline->score, pair.candidate->score});
    if (pair.baseline->answer != pair.candidate->answer) ++found.n_changed_answers;
    if (pair.candidate->score < pair.baseline->score) found.lost.push_back(item_name(*pair.baseline));
    if (pair.candidate->score > pair.baseline->score) found.won.push_back(item_name(*pair.baseline));
  }
  found.paired = compare_paired(items, options);
  found.n_unpaired_needed = unpaired_questions(found.paired, options.margin);
  return found;
}

/// A bootstrap learns from the clusters that differ; its intervals over few of them are too narrow.
void note_few_clusters(const TaskComparison& compared, const TaskResult& task, std::vector<std::string>& notes) {
  constexpr int64_t kFewClusters = 20;
  const PairedReport& p = compared.paired;
  if (p.method != PairedMethod::kBootstrap || p.n_differing >= kFewClusters) return;
  notes.push_back(fmt::format("{}: {} of {} questions differ, few for a bootstrap; its interval may be too narrow",
                              task_name(task), p.n_differing, p.n_clusters));
}

std::string short_json(const Json& value) {
  const std::string text = dump_json(value);
  return text.size() <= 80 ? text : text.substr(0, 77) + "...";
}

/// Members at the top of the manifests that differ: what the systems differ in, or should not.
void note_manifests(const SystemResult& a, const SystemResult& b, std::vector<std::string>& notes) {
  if (!a.manifest.is_object() || !b.manifest.is_object()) return;
  Json all = a.manifest;
  all.update(b.manifest);
  for (const auto& [key, value] : all.items()) {
    const Json left = a.manifest.value(key, Json()), right = b.manifest.value(key, Json());
    if (left == right) continue;
    notes.push_back(fmt::format("manifests differ in {}: {} against {}", key, short_json(left), short_json(right)));
  }
}

void note_unmatched(const SystemResult& of, const SystemResult& other, std::vector<std::string>& notes) {
  for (const TaskResult& task : of.tasks) {
    if (find_task(other, task) != nullptr) continue;
    notes.push_back(fmt::format("{} is only in \"{}\": not compared", task_name(task), of.label));
  }
}

}  // namespace

TaskScore score_of(const TaskResult& task) {
  TaskScore score;
  std::vector<std::pair<std::string, double>> items;
  for (const ItemResult& item : task.items) {
    items.emplace_back(cluster_of(item), item.score);
    score.value += item.score / static_cast<double>(task.items.size());
    score.n_truncated += item.status == ItemStatus::kTruncated ? 1 : 0;
    score.n_failed += item.status == ItemStatus::kFailed ? 1 : 0;
  }
  score.n_items = static_cast<int64_t>(items.size());
  score.standard_error = clustered_standard_error(items);
  return score;
}

Result<Comparison> compare_runs(const SystemResult& baseline, const SystemResult& candidate,
                                const PairedOptions& options) {
  DB_TRY(check_paired_options(options));
  Comparison comparison;
  comparison.baseline_label = baseline.label;
  comparison.candidate_label = candidate.label;
  comparison.options = options;
  for (const TaskResult& task : baseline.tasks) {
    const TaskResult* other = find_task(candidate, task);
    if (other == nullptr) continue;
    DB_ASSIGN(const std::vector<ItemPair> pairs, pair_items(baseline, task, candidate, *other));
    DB_ASSIGN(TaskComparison compared, compare_task(pairs, task, *other, options));
    note_few_clusters(compared, task, comparison.notes);
    comparison.tasks.push_back(std::move(compared));
  }
  if (comparison.tasks.empty()) {
    return fail(Code::kInvalidArgument,
                "\"{}\" and \"{}\" have no task in common (name, version, filter, shots and metric must be equal)",
                baseline.label, candidate.label);
  }
  note_manifests(baseline, candidate, comparison.notes);
  note_unmatched(baseline, candidate, comparison.notes);
  note_unmatched(candidate, baseline, comparison.notes);
  return comparison;
}

}  // namespace drawbridge
