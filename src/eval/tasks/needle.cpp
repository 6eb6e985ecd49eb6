#include "eval/tasks/needle.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/rng.h"
#include "eval/tasks/filler.h"

namespace drawbridge {
namespace {

constexpr int64_t kMinLength = 128;
constexpr int64_t kNDecoys = 3;

constexpr std::array<const char*, 16> kNames = {"Marlow", "Tamsin", "Okoro",  "Ilse",  "Quillon", "Bexley",
                                                "Harrow", "Yusra",  "Delft",  "Ansel", "Corvin",  "Mireille",
                                                "Sorrel", "Wendt",  "Zamora", "Petra"};

struct Record {
  std::string name;
  std::string code;

  std::string sentence() const { return fmt::format("The access code of {} is {}.", name, code); }
};

/// The needle first, then decoys: names and codes all differ.
std::vector<Record> draw_records(uint64_t seed) {
  std::vector<Record> records;
  const uint64_t first = bits_at(seed, 0);
  for (uint64_t i = 0; i <= kNDecoys; ++i) {
    const uint64_t code = 10000 + (bits_at(seed, 1) + i * 21961) % 90000;  // steps that never meet again in four
    records.push_back({kNames[(first + i * 5) % kNames.size()], std::to_string(code)});
  }
  return records;
}

std::string join(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : " ") + sentence;
  return text;
}

class NeedleWriter {
 public:
  NeedleWriter(const NeedleOptions& options, const TokenCounter& count_tokens)
      : options_(options), count_tokens_(count_tokens) {
    sentences_ = options.haystack.empty() ? made_up_sentences(4096, options.seed) : split_sentences(options.haystack);
  }

  Status check() const {
    if (options_.index_topk < 1 || options_.max_context < kMinLength + kNeedleReserve) {
      return fail(Code::kInvalidArgument, "needle: wanted a context of at least {} tokens, found {}",
                  kMinLength + kNeedleReserve, options_.max_context);
    }
    if (!sentences_.empty()) return Status();
    return fail(Code::kInvalidArgument, "needle: wanted a text to hide records in, found only blanks");
  }

  Result<EvalItem> write(int64_t length, int64_t index) const {
    const int64_t depth = options_.n_per_length == 1 ? 50 : 100 * index / (options_.n_per_length - 1);
    const uint64_t seed = bits_at(options_.seed, static_cast<uint64_t>(length * 4096 + index));
    const std::vector<Record> records = draw_records(seed);
    DB_ASSIGN(const std::string prompt, fill(length, depth, seed, records));
    EvalItem item;
    item.id = fmt::format("needle-{}-d{}-{}", length, depth, index);
    item.expected = records[0].code;
    if (options_.chat) {
      item.messages = Json::array({{{"role", "user"}, {"content", prompt}}});
    } else {
      item.prompt = prompt;
    }
    return item;
  }

 private:
  std::string prompt_of(const std::vector<std::string>& hay, int64_t depth, uint64_t seed,
                        const std::vector<Record>& records) const {
    std::vector<std::string> all = hay;
    for (size_t i = 1; i < records.size(); ++i) {
      const double place = uniform_at(seed, 2 + i) * static_cast<double>(all.size() + 1);
      all.insert(all.begin() + static_cast<std::ptrdiff_t>(place), records[i].sentence());
    }
    const auto at = static_cast<std::ptrdiff_t>(static_cast<int64_t>(all.size()) * depth / 100);
    all.insert(all.begin() + at, records[0].sentence());
    const std::string text = "Some records are hidden in the following text. Remember them.\n\n" + join(all);
    if (!options_.chat) return text + fmt::format("\n\nThe access code of {} is", records[0].name);
    return text + fmt::format("\n\nWhat is the access code of {}? Answer with the code alone.", records[0].name);
  }

  /// Adds sentences until the prompt has `length` tokens: by what each costs alone first, then by the whole, whose
  /// tokens may join where sentences meet.
  Result<std::string> fill(int64_t length, int64_t depth, uint64_t seed, const std::vector<Record>& records) const {
    uint64_t next = bits_at(seed, 2);
    std::vector<std::string> hay;
    DB_ASSIGN(int64_t n_tokens, count_tokens_(prompt_of(hay, depth, seed, records)));
    while (n_tokens < length) {
      while (n_tokens < length) {
        hay.push_back(sentences_[next++ % sentences_.size()]);
        DB_ASSIGN(const int64_t n, count_tokens_(" " + hay.back()));
        n_tokens += std::max<int64_t>(n, 1);
      }
      DB_ASSIGN(n_tokens, count_tokens_(prompt_of(hay, depth, seed, records)));
    }
    return prompt_of(hay, depth, seed, records);
  }

  const NeedleOptions& options_;
  const TokenCounter& count_tokens_;
  std::vector<std::string> sentences_;
};

}  // namespace

std::array<int64_t, 4> wanted_needle_lengths(int64_t index_topk) {
  return {index_topk / 2, index_topk + 1, 4 * index_topk, 16 * index_topk};
}

int64_t fit_needle_length(int64_t wanted, int64_t max_context, int64_t reserve) {
  return std::max(std::min(wanted, max_context - reserve), kMinLength);
}

std::vector<int64_t> needle_lengths(int64_t index_topk, int64_t max_context, int64_t reserve) {
  std::vector<int64_t> lengths;
  for (const int64_t wanted : wanted_needle_lengths(index_topk)) {
    lengths.push_back(fit_needle_length(wanted, max_context, reserve));
  }
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  return lengths;
}

std::vector<std::string> needle_length_notes(int64_t index_topk, int64_t max_context) {
  std::vector<std::string> notes;
  int64_t before = 0;
  for (const int64_t wanted : wanted_needle_lengths(index_topk)) {
    const int64_t used = fit_needle_length(wanted, max_context);
    if (used != wanted) {
      notes.push_back(fmt::format("needle: {} tokens become {}{} in a context of {}", wanted, used,
                                  used == before ? ", which are asked already," : "", max_context));
    }
    before = used;
  }
  return notes;
}

Result<std::vector<EvalItem>> needle_items(const NeedleOptions& options, const TokenCounter& count_tokens) {
  const NeedleWriter writer(options, count_tokens);
  DB_TRY(writer.check());
  std::vector<EvalItem> items;
  for (const int64_t length : needle_lengths(options.index_topk, options.max_context)) {
    for (int64_t i = 0; i < options.n_per_length; ++i) {
      DB_ASSIGN(EvalItem item, writer.write(length, i));
      items.push_back(std::move(item));
    }
  }
  return items;
}

std::string_view first_number(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  const size_t from = text.find_first_of(kDigits);
  if (from == std::string_view::npos) return {};
  return text.substr(from, std::min(text.find_first_not_of(kDigits, from), text.size()) - from);
}

double score_needle(std::string_view answer, std::string_view expected) {
  return first_number(answer) == expected ? 1 : 0;
}

std::optional<NeedlePlace> needle_place(const std::string& id) {
  NeedlePlace place;
  int64_t index = 0;
  if (std::sscanf(id.c_str(), "needle-%ld-d%ld-%ld", &place.length, &place.depth_percent, &index) != 3) return {};
  return place;
}

}  // namespace drawbridge
