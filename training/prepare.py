"""Makes the tokenizer, the training rows and the held-out sets. One idea: rows of fixed length, several samples
per row, a segment number per token so that samples never see each other, and one byte per token saying whether
it is trained. Everything follows from --seed.

    python training/prepare.py --template T.jinja --corpus classics.txt.xz --tokenizer-like tokenizer.json.gz \
        --model models/glm52-nano --out /tmp/nano
"""
import argparse
import gzip
import json
import lzma
import pathlib
import random
import shutil

import jinja2.sandbox
import numpy as np
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, processors, trainers

from curriculum import arithmetic, mix, stories

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
VOCAB = 4096
HELD_BOOKS = ("Doctor Dolittle", "The Happy Prince", "The Railway Children")


def load_template(path):
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    env.filters["tojson"] = lambda x, ensure_ascii=False: json.dumps(x, ensure_ascii=ensure_ascii)
    return env.from_string(pathlib.Path(path).read_text())


def read_books(path):
    """Returns (training text, held-out text) of the public-domain corpus."""
    docs = lzma.open(path, "rt", encoding="utf-8").read().split("<|document|>")[1:]
    is_held = lambda d: any(b in d.split("\n", 1)[0] for b in HELD_BOOKS)
    return [d for d in docs if not is_held(d)], [d for d in docs if is_held(d)]


def split_step(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def train_tokenizer(texts, controls):
    """Byte-level BPE; digits are trained one by one, so that no merge ever joins two."""
    tok = tokenizers.Tokenizer(models.BPE(ignore_merges=True))
    tok.pre_tokenizer = split_step(SPLIT.replace(r"\p{N}{1,3}", r"\p{N}"))
    trainer = trainers.BpeTrainer(vocab_size=VOCAB - len(controls), show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tok.train_from_iterator(texts, trainer)
    tok.pre_tokenizer = split_step(SPLIT)
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    for c in controls:
        tok.add_tokens([AddedToken(c["content"], single_word=False, lstrip=False, rstrip=False, normalized=False,
                                   special=c["special"])])
    return tok


def write_tokenizer(tok, args, controls):
    out = pathlib.Path(args.model)
    tok.save(str(out / "tokenizer.json"))
    shutil.copyfile(args.template, out / "chat_template.jinja")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 4096, "padding_side": "left",
              "pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "clean_up_tokenization_spaces": False,
              "additional_special_tokens": [c["content"] for c in controls if c["special"]]}
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def trained_mask(ids, tok):
    """1 for what the model writes: everything after `<|assistant|><think>` (and after an empty thinking part)
    up to and including the next role token."""
    t = tok.token_to_id
    stops, think, end = {t("<|user|>"), t("<|observation|>")}, t("<think>"), t("</think>")
    mask, on, i = [0] * len(ids), False, 0
    while i < len(ids):
        if ids[i] == t("<|assistant|>"):
            i += 1
            on = True
            if i + 1 < len(ids) and ids[i] == think and ids[i + 1] == end:
                i += 1
        elif on:
            mask[i] = 1
            on = ids[i] not in stops
        i += 1
    return mask


def pack(samples, length):
    """Greedy packing into rows [R, length] of (ids, mask, segment); segment 0 is padding."""
    open_rows, rows = [], []
    for ids, mask in samples:
        ids, mask = ids[:length], mask[:length]
        row = next((r for r in open_rows if len(r[0]) + len(ids) <= length), None)
        if row is None:
            row = ([], [], [], [0])
            open_rows.append(row)
        row[3][0] += 1
        row[0].extend(ids)
        row[1].extend(mask)
        row[2].extend([row[3][0]] * len(ids))
        if len(open_rows) > 8 or len(row[0]) > length - 24:
            full = max(open_rows, key=lambda r: len(r[0]))
            open_rows.remove(full)
            rows.append(full)
    arr = np.zeros((3, len(rows), length), np.uint16)
    for n, r in enumerate(rows):
        for k in range(3):
            arr[k, n, : len(r[k])] = r[k]
    return arr


def book_samples(books, tok, rng, count, length):
    for _ in range(count):
        doc = rng.choice(books)
        at = rng.randrange(max(1, len(doc) - 6 * length))
        ids = tok.encode(doc[at : at + 6 * length], add_special_tokens=False).ids[:length]
        yield ids, [1] * len(ids)


def write_rows(args, tok, sources, name, tokens, length, book_share):
    template, books = sources
    mixture = mix.SUMS if name == "sums" else mix.BROAD
    rng = random.Random(f"{args.seed}-{name}")
    samples = []
    chat_tokens = int(tokens * (1 - book_share))
    while chat_tokens > 0:
        ids = tok.encode(mix.sample(rng, template, mixture), add_special_tokens=False).ids
        samples.append((ids, trained_mask(ids, tok)))
        chat_tokens -= len(ids)
    samples += list(book_samples(books, tok, rng, int(tokens * book_share) // length, length))
    rng.shuffle(samples)
    arr = pack(samples, length)
    np.save(pathlib.Path(args.out) / f"{name}.npy", arr)
    print(name, arr.shape, "trained share", arr[1].mean().round(3), "padding", (arr[2] == 0).mean().round(3))


def write_heldout(template, held_books):
    """Held-out problems as {question, answer} lines, and held-out text."""
    out = pathlib.Path(__file__).parent / "data"
    out.mkdir(exist_ok=True)
    for name, make in (("one_step", arithmetic.one_step), ("two_step", arithmetic.two_step)):
        rng, seen = random.Random(f"held-{name}"), {}
        while len(seen) < 2000:
            q, _, text, result, is_held = make(rng)
            if is_held:
                seen[q] = {"question": q, "answer": text, "result": result}
        with gzip.GzipFile(out / f"heldout_{name}.jsonl.gz", "wb", mtime=0) as f:
            f.write("".join(json.dumps(x) + "\n" for x in seen.values()).encode())
    rng = random.Random("held-text")
    lines = [{"kind": "books", "text": d[4000:34000]} for d in held_books]
    lines += [{"kind": "stories", "text": "\n\n".join(stories.story(rng)[1] for _ in range(60))}]
    with gzip.GzipFile(out / "heldout_text.jsonl.gz", "wb", mtime=0) as f:
        f.write("".join(json.dumps(x) + "\n" for x in lines).encode())


def main():
    p = argparse.ArgumentParser()
    for a in ("template", "corpus", "tokenizer-like", "model", "out"):
        p.add_argument("--" + a, required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--tokens", type=float, default=16e6)
    args = p.parse_args()
    pathlib.Path(args.out).mkdir(parents=True, exist_ok=True)
    template = load_template(args.template)
    books, held_books = read_books(args.corpus)
    controls = json.load(gzip.open(args.tokenizer_like))["added_tokens"]
    rng = random.Random(f"{args.seed}-tokenizer")
    texts = [mix.sample(rng, template) for _ in range(4000)] + [rng.choice(books)[:60000] for _ in range(60)]
    tok = train_tokenizer(texts, controls)
    write_tokenizer(tok, args, controls)
    write_heldout(template, held_books)
    for name, tokens, length, book_share in (("main", args.tokens, 512, 0.08), ("sums", args.tokens / 2, 512, 0.04),
                                             ("long", args.tokens / 8, 4096, 0.5)):
        write_rows(args, tok, (template, books), name, tokens, length, book_share)


if __name__ == "__main__":
    main()
