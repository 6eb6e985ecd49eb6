"""Writes the calibration text: what `drawbridge calibrate` reads before `quantize --scale-rule search`. Chats of the
training mixture and excerpts of the training books, none of them held out; `<|document|>` starts each.

    python training/calibration.py --template T.jinja --corpus classics.txt.xz --out training/data/calibration.txt
"""
import argparse
import pathlib
import random

from curriculum import mix
from prepare import load_template, read_books

N_CHATS, N_EXCERPTS, EXCERPT_CHARACTERS = 160, 24, 1500


def excerpt(rng, books):
    book = rng.choice(books)
    start = rng.randrange(max(1, len(book) - EXCERPT_CHARACTERS))
    return book[start:start + EXCERPT_CHARACTERS]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--template", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=20261124)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    template = load_template(args.template)
    books, _ = read_books(args.corpus)
    documents = [mix.sample(rng, template) for _ in range(N_CHATS)] + [excerpt(rng, books) for _ in range(N_EXCERPTS)]
    rng.shuffle(documents)
    pathlib.Path(args.out).write_text("".join("<|document|>" + d for d in documents), encoding="utf-8")


if __name__ == "__main__":
    main()
