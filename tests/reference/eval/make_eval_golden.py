#!/usr/bin/env python3
"""Golden files of the public harnesses' prompts, draws and filters: tests/golden/eval/*.json.

Needs lm-eval (made with 0.4.13), its gsm8k.yaml unchanged but for the data, which are tests/data/eval. GPQA's order of
choices is that of openai/simple-evals (MIT): random.Random(0).sample(range(4), 4) for each question in turn.

    python tests/reference/eval/make_eval_golden.py
"""
import csv
import hashlib
import json
import pathlib
import random
import re

import lm_eval
import yaml
from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.filters.extraction import RegexFilter

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA, GOLDEN = ROOT / "tests/data/eval", ROOT / "tests/golden/eval"

OUTPUTS = [
    " 5 + 3 = <<5+3=8>>8.\n#### 8", "#### 1,234", "#### -7.", "#### 8.", "####8", "#### eight", "#### ", "", "8", "-8",
    "The answer is $1,234.50.", "The answer is $8", "so 3-2 = 1", "It is 12%, not 13%", "#### 5 #### 8", "#### 5\n#### 8",
    "#### -", "####  8", "#### 8,", "#### ,8", "#### .", "about 8 . . .", "$", "$ 8", "--8", "-$8", "- 8", "8-", "8..",
    "\u0663 apples", "#### \u0668", "####\u00a08", "1e5", "0x10", "#### 8 apples", "8.0", "#### 8.0", "#### 08", "$8$", "-.5", "8" * 40,
    "### 8", "##### 8", "#### 1.2.3", "QUESTION 8", "... 8 ...", "\n\n#### 8\n\n", "#### $8", "1,2,3", "8\r\n",
]
REFERENCES = ["5 + 3 = <<5+3=8>>8 apples.\n#### 8", "#### 1,234", "#### -7"]


def task_config():
    class Loader(yaml.SafeLoader):
        pass

    path = pathlib.Path(lm_eval.__file__).parent / "tasks/gsm8k/gsm8k.yaml"
    config = yaml.load(path.read_text(), Loader)
    files = {"train": str(DATA / "gsm8k_train.jsonl"), "test": str(DATA / "gsm8k_test.jsonl")}
    return config | {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}


def prompts(config, shots, seed):
    task = ConfigurableTask(config=dict(config))
    task.set_fewshot_seed(seed)
    return [task.fewshot_context(doc, shots) for doc in task.test_docs()]


def multiturn(config, shots, seed):
    task = ConfigurableTask(config=dict(config))
    task.set_fewshot_seed(seed)
    render = lambda messages, add_generation_prompt=True: json.dumps(messages)
    return [json.loads(task.fewshot_context(doc, shots, apply_chat_template=True, fewshot_as_multiturn=True,
                                            chat_template=render)) for doc in task.test_docs()]


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def gsm8k():
    config = task_config()
    metric = config["metric_list"][0]
    ignore = {k: metric[k] for k in ("regexes_to_ignore", "ignore_case", "ignore_punctuation")}
    filtered = []
    for output in OUTPUTS:
        row = {"output": output}
        for f in config["filter_list"]:
            regex = {k: v for k, v in f["filter"][0].items() if k != "function"}
            answer = RegexFilter(**regex).apply([[output]], [{}])[0][0]
            scores = [float(exact_match_hf_evaluate([answer], [r], **ignore)["exact_match"]) for r in REFERENCES]
            row[f["name"]] = {"answer": answer, "scores": scores}
        filtered.append(row)
    sets = [{"shots": k, "seed": s, "sha256": [sha256(p) for p in prompts(config, k, s)]}
            for k, s in ((0, 1234), (1, 1234), (5, 1234), (5, 7), (8, 1234), (20, 1234), (30, 1234), (5, 2**40 + 3))]
    return {"lm_eval": lm_eval.__version__, "version": config["metadata"]["version"], "until": config["generation_kwargs"]["until"],
            "first_prompt_2_shots": prompts(config, 2, 1234)[0], "first_messages_2_shots": multiturn(config, 2, 1234)[0],
            "prompts": sets, "references": REFERENCES, "filters": filtered}


TEMPLATE = """
Answer the following multiple choice question. The last line of your response should be of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think step by step before answering.

{Question}

A) {A}
B) {B}
C) {C}
D) {D}
""".strip()
LETTERS = ["Answer: A", "answer:b", "ANSWER :\t$C$", "Answer: E", "The answer is: D", "Answer:\nA", "Answer: $ A", "Answer: B\nAnswer: C",
           "Answers: A", "Answer: Dog", "", "**Answer: A**", "**Answer:** A", "Answer : d", "answer answer: C", "Answer: \u0410"]


def gpqa(seed, repeats):
    rows = list(csv.DictReader(open(DATA / "gpqa_invented.csv", newline="")))
    rng, out = random.Random(seed), []
    for row in rows * repeats:
        choices = [row["Correct Answer"]] + [row[f"Incorrect Answer {i}"] for i in (1, 2, 3)]
        choices = [choices[i] for i in rng.sample(range(4), 4)]
        prompt = TEMPLATE.format(Question=row["Question"], **dict(zip("ABCD", choices)))
        out.append({"id": row["Record ID"], "prompt": prompt, "answer": "ABCD"[choices.index(row["Correct Answer"])]})
    return {"seed": seed, "repeats": repeats, "items": out}


def letter(text):
    match = re.search(r"(?i)Answer[ \t]*:[ \t]*\$?([A-D])\$?", text)
    return match.group(1) if match else ""


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / "gsm8k.json").write_text(json.dumps(gsm8k(), indent=1) + "\n")
    letters = [{"text": t, "letter": letter(t)} for t in LETTERS]
    (GOLDEN / "gpqa.json").write_text(json.dumps({"sets": [gpqa(0, 2), gpqa(5, 1)], "letters": letters}, indent=1) + "\n")


if __name__ == "__main__":
    main()
