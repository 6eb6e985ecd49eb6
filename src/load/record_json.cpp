#include "load/record_json.h"

#include <cmath>

#include "base/json_members.h"

namespace drawbridge {
namespace {

constexpr double kMaxSeconds = 1e8;   // of a moment: three years
constexpr double kMaxDuration = 1e9;  // between two

int64_t us(double seconds) {
  return std::llround(seconds * 1e6);
}

/// Members that may be absent keep the value that is there.
class Members {
 public:
  Members(const Json& json, const std::string& source) : json_(json), source_(source) {}

  Status time(const char* key, double& seconds, double most = kMaxSeconds) const {
    if (!json_.contains(key)) return Status();
    DB_ASSIGN(const int64_t value, integer_member(json_, key, source_));
    seconds = static_cast<double>(value) * 1e-6;
    return check_time(key, seconds, most);
  }
  Status number(const char* key, double& number) const {
    if (!json_.contains(key)) return Status();
    DB_ASSIGN(number, number_member(json_, key, source_));
    return Status();
  }
  Status integer(const char* key, int64_t& number) const {
    if (!json_.contains(key)) return Status();
    DB_ASSIGN(number, integer_member(json_, key, source_));
    return Status();
  }
  Status seed(const char* key, uint64_t& number) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return Status();
    if (!found->is_number_unsigned()) {
      return fail(Code::kCorrupt, "{}: member \"{}\": wanted an integer of 0 or more, found {}", source_, key,
                  dump_json(*found).substr(0, 80));
    }
    number = found->get<uint64_t>();
    return Status();
  }
  Status text(const char* key, std::string& text) const {
    if (!json_.contains(key)) return Status();
    DB_ASSIGN(text, string_member(json_, key, source_));
    return Status();
  }
  Status flag(const char* key, bool& flag) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return Status();
    if (!found->is_boolean()) {
      return fail(Code::kCorrupt, "{}: member \"{}\": wanted true or false, found {}", source_, key,
                  dump_json(*found).substr(0, 80));
    }
    flag = found->get<bool>();
    return Status();
  }
  Status object(const char* key, Json& object) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return Status();
    DB_TRY(check_object(*found, fmt::format("{}: {}", source_, key)));
    object = *found;
    return Status();
  }
  Status optional_number(const char* key, std::optional<double>& number) const {
    if (!json_.contains(key)) return Status();
    DB_ASSIGN(number, number_member(json_, key, source_));
    return Status();
  }
  Status check_time(const char* key, double seconds, double most) const {
    if (std::abs(seconds) <= most) return Status();
    return fail(Code::kOutOfRange, "{}: member \"{}\": wanted a time within {} s, found {} s", source_, key, most,
                seconds);
  }

 private:
  const Json& json_;
  const std::string& source_;
};

void put_time(Json& json, const char* key, double seconds) {
  if (!std::isnan(seconds)) json[key] = us(seconds);
}

void put_count(Json& json, const char* key, int64_t count) {
  if (count >= 0) json[key] = count;
}

void put_text(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

/// [time of the first, bytes, microseconds after the one before, bytes, ...]: an answer of 1,000 tokens is 1,000 of
/// these, so they are short, and written without a tree.
std::string pieces_text(const std::vector<AnswerPiece>& pieces) {
  fmt::memory_buffer text;
  int64_t last = 0;
  for (const AnswerPiece& piece : pieces) {
    const int64_t at = us(piece.at_s);
    fmt::format_to(std::back_inserter(text), "{}{},{}", text.size() == 0 ? "" : ",", at - last, piece.n_bytes);
    last = at;
  }
  return fmt::to_string(text);
}

Status parse_pieces(const Json& json, const std::string& source, std::vector<AnswerPiece>& pieces) {
  if (!json.contains("pieces")) return Status();
  DB_ASSIGN(const Json* list, array_member(json, "pieces", source));
  if (list->size() % 2 != 0)
    return fail(Code::kCorrupt, "{}: pieces: wanted pairs, found {} numbers", source, list->size());
  pieces.reserve(list->size() / 2);
  constexpr auto kMaxUs = static_cast<int64_t>(kMaxSeconds * 1e6);
  int64_t at = 0;
  for (size_t i = 0; i < list->size(); i += 2) {
    const Json& step = (*list)[i];
    const Json& bytes = (*list)[i + 1];
    const bool is_good = step.is_number_integer() && bytes.is_number_unsigned() && bytes.get<uint64_t>() <= INT32_MAX &&
                         std::abs(step.get<double>()) <= static_cast<double>(kMaxUs) &&
                         (i == 0 || step.get<int64_t>() >= 0) && at + step.get<int64_t>() <= kMaxUs;
    if (!is_good) {
      return fail(Code::kCorrupt, "{}: pieces: wanted microseconds that ascend and bytes, found {}, {} at {}", source,
                  dump_json(step).substr(0, 40), dump_json(bytes).substr(0, 40), i);
    }
    at += step.get<int64_t>();
    pieces.push_back({static_cast<double>(at) * 1e-6, bytes.get<int32_t>()});
  }
  return Status();
}

Json counters_json(const ServerCounters& counters) {
  Json json = Json::object();
  for (const NamedCounter& counter : kServerCounters) {
    if (const auto& value = counters.*counter.value) json[counter.name] = *value;
  }
  return json;
}

Status parse_counters_json(const Members& end, const char* key, const std::string& source, ServerCounters& counters) {
  Json json = Json::object();
  DB_TRY(end.object(key, json));
  const Members m(json, source);
  for (const NamedCounter& counter : kServerCounters) {
    DB_TRY(m.optional_number(counter.name, counters.*counter.value));
  }
  return Status();
}

}  // namespace

std::string record_line(const RequestRecord& r) {
  Json json = {{"index", r.index}};
  if (r.conversation >= 0) {
    json["conversation"] = r.conversation;
    json["turn"] = r.turn;
  }
  if (r.is_warmup) json["warmup"] = true;
  put_time(json, "due_us", r.due_s);
  put_time(json, "sent_us", r.sent_s);
  put_time(json, "headers_us", r.headers_s);
  put_time(json, "first_token_us", r.first_token_s);
  put_time(json, "end_us", r.end_s);
  json["prompt_designed"] = r.n_prompt_designed;
  json["cached_designed"] = r.n_cached_designed;
  json["output_designed"] = r.n_output_designed;
  put_count(json, "prompt_reported", r.n_prompt_reported);
  put_count(json, "cached_reported", r.n_cached_reported);
  put_count(json, "output_reported", r.n_output_reported);
  put_count(json, "output_counted", r.n_output_counted);
  if (!std::isnan(r.accept_length)) json["accept_length"] = r.accept_length;
  json["status"] = r.http_status;
  put_text(json, "finish_reason", r.finish_reason);
  put_text(json, "error", r.error);
  std::string line = dump_json(json);
  line.pop_back();
  return line + ",\"pieces\":[" + pieces_text(r.pieces) + "]}";
}

Result<RequestRecord> parse_record(const Json& json, const std::string& source) {
  RequestRecord r;
  const Members m(json, source);
  DB_ASSIGN(r.index, integer_member(json, "index", source));
  DB_TRY(m.integer("conversation", r.conversation));
  DB_TRY(m.integer("turn", r.turn));
  DB_TRY(m.flag("warmup", r.is_warmup));
  DB_TRY(m.time("due_us", r.due_s));
  DB_TRY(m.time("sent_us", r.sent_s));
  DB_TRY(m.time("headers_us", r.headers_s));
  DB_TRY(m.time("first_token_us", r.first_token_s));
  DB_TRY(m.time("end_us", r.end_s));
  DB_TRY(m.integer("prompt_designed", r.n_prompt_designed));
  DB_TRY(m.integer("cached_designed", r.n_cached_designed));
  DB_TRY(m.integer("output_designed", r.n_output_designed));
  DB_TRY(m.integer("prompt_reported", r.n_prompt_reported));
  DB_TRY(m.integer("cached_reported", r.n_cached_reported));
  DB_TRY(m.integer("output_reported", r.n_output_reported));
  DB_TRY(m.integer("output_counted", r.n_output_counted));
  DB_TRY(m.number("accept_length", r.accept_length));
  int64_t status = 0;
  DB_TRY(m.integer("status", status));
  if (status < 0 || status > 999) return fail(Code::kCorrupt, "{}: status: wanted 0 to 999, found {}", source, status);
  r.http_status = static_cast<int>(status);
  DB_TRY(m.text("finish_reason", r.finish_reason));
  DB_TRY(m.text("error", r.error));
  DB_TRY(parse_pieces(json, source, r.pieces));
  return r;
}

Json setup_json(const LoadSetup& s) {
  return {{"url", s.url},
          {"model", s.model},
          {"endpoint", s.endpoint},
          {"server", s.server},
          {"arrivals", s.arrivals},
          {"rate_rps", s.rate_rps},
          {"max_concurrency", s.max_concurrency},
          {"workload", s.workload},
          {"cache_design", s.cache_design},
          {"prompts_counted_by", s.prompts_counted_by},
          {"output_counted_by", s.output_counted_by},
          {"ignores_eos", s.ignores_eos},
          {"seed", s.seed},
          {"started_at", s.started_at},
          {"options", s.options},
          {"manifest", s.manifest}};
}

std::string setup_line(const LoadSetup& setup) {
  return dump_json(Json{{"drawbridge_load_run", 1}, {"setup", setup_json(setup)}});
}

Result<LoadSetup> parse_setup(const Json& json, const std::string& source) {
  DB_ASSIGN(const int64_t version, integer_member(json, "drawbridge_load_run", source));
  if (version != 1) {
    return fail(Code::kUnsupported, "{}: drawbridge_load_run: wanted version 1, found {}", source, version);
  }
  DB_ASSIGN(const Json* setup, member(json, "setup", source));
  DB_TRY(check_object(*setup, source + ": setup"));
  LoadSetup s;
  const Members m(*setup, source);
  DB_TRY(m.text("url", s.url));
  DB_TRY(m.text("model", s.model));
  DB_TRY(m.text("endpoint", s.endpoint));
  DB_TRY(m.text("server", s.server));
  DB_TRY(m.text("arrivals", s.arrivals));
  DB_TRY(m.number("rate_rps", s.rate_rps));
  DB_TRY(m.integer("max_concurrency", s.max_concurrency));
  DB_TRY(m.text("workload", s.workload));
  DB_TRY(m.text("cache_design", s.cache_design));
  DB_TRY(m.text("prompts_counted_by", s.prompts_counted_by));
  DB_TRY(m.text("output_counted_by", s.output_counted_by));
  DB_TRY(m.flag("ignores_eos", s.ignores_eos));
  DB_TRY(m.seed("seed", s.seed));
  DB_TRY(m.text("started_at", s.started_at));
  DB_TRY(m.object("options", s.options));
  DB_TRY(m.object("manifest", s.manifest));
  return s;
}

std::string end_line(const LoadRun& run) {
  Json end = Json::object();
  put_time(end, "duration_us", run.duration_s);
  put_time(end, "arrivals_end_us", run.arrivals_end_s);
  end["generator_cpu_share"] = run.generator_cpu_share;
  if (run.n_postponed > 0) end["postponed"] = run.n_postponed;
  end["before"] = counters_json(run.before);
  end["after"] = counters_json(run.after);
  if (run.was_stopped) end["stopped"] = run.stop_reason;
  return dump_json(Json{{"end", end}});
}

Status parse_end(const Json& json, const std::string& source, LoadRun& run) {
  Json end = Json::object();
  DB_TRY(Members(json, source).object("end", end));
  const Members m(end, source);
  DB_TRY(m.time("duration_us", run.duration_s, kMaxDuration));
  DB_TRY(m.time("arrivals_end_us", run.arrivals_end_s));
  DB_TRY(m.number("generator_cpu_share", run.generator_cpu_share));
  DB_TRY(m.integer("postponed", run.n_postponed));
  DB_TRY(parse_counters_json(m, "before", source, run.before));
  DB_TRY(parse_counters_json(m, "after", source, run.after));
  run.was_stopped = end.contains("stopped");
  return m.text("stopped", run.stop_reason);
}

}  // namespace drawbridge
