#include "prove/proof_report.h"

#include <fmt/format.h>

#include "base/text_table.h"

namespace drawbridge {
namespace {

std::string explanation(const VariantResult& v) {
  return v.difference ? v.difference->text() : v.reason;
}

}  // namespace

const char* finding_name(Finding finding) {
  switch (finding) {
    case Finding::kIdentical:
      return "identical";
    case Finding::kDifferent:
      return "different";
    case Finding::kNotExercised:
      return "not exercised";
    case Finding::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string proof_text(const Proof& proof) {
  std::string text =
      fmt::format("{} on {}, cache {}, activations {}\nreference: {} tokens with {} logits each\n\n", proof.card.name,
                  proof.card.backend, proof.card.kv_cache_dtype, proof.card.activation, proof.n_tokens, proof.vocab);
  TextTable table({"<variant", "tokens", "streams", "cached", "preempted", "evicted", "logit gap", "<verdict"});
  for (const VariantResult& v : proof.variants) {
    table.add({v.name, std::to_string(v.n_tokens), std::to_string(v.peak_streams), std::to_string(v.n_cached),
               std::to_string(v.n_preempted), std::to_string(v.n_evicted),
               v.difference ? fmt::format("{:.3g}", v.difference->logit_gap) : "0", finding_name(v.finding)});
  }
  text += table.text();
  for (const VariantResult& v : proof.variants) {
    if (v.finding != Finding::kIdentical) text += fmt::format("\n{}: {}", v.name, explanation(v));
  }
  text += proof.holds() ? "\nPROVEN: every bit of every logit is the same\n" : "\n\nNOT PROVEN\n";
  return text;
}

Json proof_json(const Proof& proof) {
  Json variants = Json::array();
  for (const VariantResult& v : proof.variants) {
    Json row = {{"name", v.name},
                {"verdict", finding_name(v.finding)},
                {"tokens", v.n_tokens},
                {"streams", v.peak_streams},
                {"cached_tokens", v.n_cached},
                {"preemptions", v.n_preempted},
                {"evictions", v.n_evicted},
                {"reason", explanation(v)}};
    if (v.difference) {
      const Difference& d = *v.difference;
      row["difference"] = {{"turn", d.turn},
                           {"request", d.request},
                           {"position", d.position},
                           {"wanted_token", d.wanted_token},
                           {"found_token", d.found_token},
                           {"logit_gap", d.logit_gap}};  // null: infinite
    }
    variants.push_back(std::move(row));
  }
  return {{"model", proof.card.name},
          {"backend", proof.card.backend},
          {"kv_cache_dtype", proof.card.kv_cache_dtype},
          {"activation", proof.card.activation},
          {"tokens", proof.n_tokens},
          {"logits_per_token", proof.vocab},
          {"proven", proof.holds()},
          {"variants", std::move(variants)}};
}

}  // namespace drawbridge
