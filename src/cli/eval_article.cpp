// `drawbridge eval article`: the published evaluation of GLM-5.2 in MXFP4, recomputed.
#include <iostream>

#include "cli/eval_verbs.h"
#include "eval/article.h"

namespace drawbridge {

void add_eval_article(CLI::App& eval, Action& action) {
  CLI::App* verb = eval.add_subcommand("article", "what the published MXFP4 evaluation can and cannot exclude");
  const auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "one JSON object");
  verb->callback([json, &action] {
    action = [json] {
      const Article article = recompute_article();
      std::cout << (*json ? pretty_json(article_json(article)) : article_text(article));
      return Status();
    };
  });
}

}  // namespace drawbridge
