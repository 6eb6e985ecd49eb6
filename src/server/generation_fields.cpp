#include "server/generation_fields.h"

#include <charconv>

#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxStopTokenIds = 256;

Status add_stop(const Json& value, const std::string& field, std::vector<std::string>& stops) {
  if (!value.is_string()) return wrong_field(field, "a string", value);
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty()) return fail(Code::kInvalidArgument, "{}: wanted at least one character, found none", field);
  if (text.size() > kMaxStopBytes) {
    return fail(Code::kInvalidArgument, "{}: wanted at most {} bytes, found {}", field, kMaxStopBytes, text.size());
  }
  stops.push_back(text);
  return {};
}

Status read_stops(Fields& fields, GenerateRequest& request) {
  const Json& value = fields.take("stop");
  if (value.is_null()) return {};
  if (value.is_string()) return add_stop(value, "stop", request.stop);
  if (!value.is_array()) return wrong_field("stop", "a string or an array of strings", value);
  if (value.size() > kMaxStops) {
    return fail(Code::kInvalidArgument, "stop: wanted at most {} strings, found {}", kMaxStops, value.size());
  }
  for (size_t i = 0; i < value.size(); ++i) DB_TRY(add_stop(value[i], fmt::format("stop[{}]", i), request.stop));
  return {};
}

Status read_logit_bias(Fields& fields, SamplingOptions& sampling) {
  const Json& value = fields.take("logit_bias");
  if (value.is_null()) return {};
  if (!value.is_object()) return wrong_field("logit_bias", "an object of token id to bias", value);
  if (value.size() > kMaxLogitBiases) {
    return fail(Code::kInvalidArgument, "logit_bias: wanted at most {} entries, found {}", kMaxLogitBiases,
                value.size());
  }
  for (const auto& [key, bias] : value.items()) {
    int32_t token = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc() || end != key.data() + key.size()) {
      return wrong_field("logit_bias", "token ids as keys", key);
    }
    const double number = bias.is_number() ? bias.get<double>() : 1000;
    if (!(number >= -100 && number <= 100)) return wrong_field("logit_bias", "numbers from -100 to 100", bias);
    sampling.logit_bias.emplace_back(token, static_cast<float>(number));
  }
  return {};
}

Status read_sampling(Fields& fields, SamplingOptions& s) {
  DB_TRY(fields.read("temperature", s.temperature));
  DB_TRY(fields.read("top_p", s.top_p));
  DB_TRY(fields.read("min_p", s.min_p));
  DB_TRY(fields.read("presence_penalty", s.presence_penalty));
  DB_TRY(fields.read("frequency_penalty", s.frequency_penalty));
  DB_TRY(fields.read("repetition_penalty", s.repetition_penalty));
  int64_t top_k = 0;
  DB_TRY(fields.read("top_k", top_k, -1, std::numeric_limits<int32_t>::max()));
  s.top_k = static_cast<int32_t>(std::max<int64_t>(top_k, 0));  // -1 is how vLLM says "off"
  if (!fields.take("seed").is_null()) {
    int64_t seed = 0;
    DB_TRY(fields.read("seed", seed));
    s.seed = static_cast<uint64_t>(seed);
  }
  return read_logit_bias(fields, s);
}

Status read_max_tokens(Fields& fields, int64_t& max_tokens) {
  constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
  int64_t newer = 0;
  DB_TRY(fields.read("max_tokens", max_tokens, 1, kAny));
  DB_TRY(fields.read("max_completion_tokens", newer, 1, kAny));
  if (max_tokens > 0 && newer > 0 && max_tokens != newer) {
    return fail(Code::kInvalidArgument,
                "max_completion_tokens: wanted the same as max_tokens ({}) or only one, found {}", max_tokens, newer);
  }
  max_tokens = std::max(max_tokens, newer);
  return {};
}

Status read_stream_options(Fields& fields, GenerationFields& out) {
  DB_TRY(fields.read("stream", out.stream));
  const Json& options = fields.take("stream_options");
  if (options.is_null()) return {};
  if (!options.is_object()) return wrong_field("stream_options", "an object", options);
  Fields inner(options, "stream_options.");
  DB_TRY(inner.read("include_usage", out.include_usage));
  bool every_chunk = false;
  DB_TRY(inner.read("continuous_usage_stats", every_chunk));
  if (every_chunk) {
    return fail(Code::kUnsupported, "{}: wanted false (usage comes once, at the end), found true",
                inner.path("continuous_usage_stats"));
  }
  out.ignored = inner.unread();
  return {};
}

/// OpenRouter's {"include": true}: what the answer cost. In a stream it asks for the usage, too.
Status read_usage(Fields& fields, GenerationFields& out) {
  const Json& usage = fields.take("usage");
  if (usage.is_null()) return {};
  if (!usage.is_object()) return wrong_field("usage", "an object", usage);
  Fields inner(usage, "usage.");
  DB_TRY(inner.read("include", out.include_cost));
  out.include_usage = out.include_usage || out.include_cost;
  const std::vector<std::string> unread = inner.unread();
  out.ignored.insert(out.ignored.end(), unread.begin(), unread.end());
  return {};
}

}  // namespace

Result<GenerationFields> read_generation_fields(Fields& fields, const ModelCard& card) {
  GenerationFields out;
  out.request.sampling.temperature = card.default_temperature;
  out.request.sampling.top_p = card.default_top_p;
  DB_TRY(fields.read("model", out.model));
  DB_TRY(read_sampling(fields, out.request.sampling));
  DB_TRY(read_stops(fields, out.request));
  DB_TRY(fields.read("stop_token_ids", out.request.stop_token_ids, kMaxStopTokenIds));
  DB_TRY(fields.read("ignore_eos", out.request.ignore_eos));
  DB_TRY(read_max_tokens(fields, out.max_tokens));
  DB_TRY(fields.read("n", out.n, 1, kMaxChoices));
  DB_TRY(read_stream_options(fields, out));
  DB_TRY(read_usage(fields, out));
  return out;
}

void note_unread(const Fields& fields, GenerationFields& generation) {
  const std::vector<std::string> unread = fields.unread();
  generation.ignored.insert(generation.ignored.end(), unread.begin(), unread.end());
}

GenerateRequest request_of_choice(const GenerateRequest& request, int64_t choice) {
  GenerateRequest own = request;
  if (own.sampling.seed && choice > 0) {
    own.sampling.seed = mix64(*own.sampling.seed + static_cast<uint64_t>(choice) * 0x9e3779b97f4a7c15u);
  }
  return own;
}

}  // namespace drawbridge
