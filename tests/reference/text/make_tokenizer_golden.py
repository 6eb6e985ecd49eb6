"""Writes the golden ids that src/text must reproduce, with HF tokenizers as the oracle.

Usage: make_tokenizer_golden.py tokenizer.json[.gz] out.txt.gz
Each line: mode TAB escaped bytes TAB ids, or "#count hash" (FNV-1a 64 over little-endian int32) for more than 64 ids.
Mode s: added tokens are recognised; p: they are plain text (written only where that differs).
"""
import gzip, json, random, sys
from tokenizers import Tokenizer

ADDED = ["<|user|>", "<|assistant|>", "<think>", "</think>", "<tool_call>", "</arg_value>", "[gMASK]<sop>",
         "<|endoftext|>", "<|observation|>", "/nothink"]
SCRIPTS = [(0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x600, 0x6FF), (0x900, 0x97F),
           (0xE00, 0xE7F), (0x10A0, 0x10FF), (0x1200, 0x137F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x4E00, 0x9FFF),
           (0xAC00, 0xD7A3), (0x1F300, 0x1FAFF), (0x2000, 0x206F), (0x2200, 0x22FF), (0x1D400, 0x1D7FF),
           (0x31350, 0x323AF), (0x10D40, 0x10D49), (0x2460, 0x24FF), (0xFF00, 0xFFEF), (0x1680, 0x180F), (0, 0x1F)]
WORDS = ("the of Hello hello world don't I'll THEY'RE we'Ve it'S tokenization naïve straße Привет мир 北京 你好世界 "
         "こんにちは 안녕하세요 مرحبا שלום नमस्ते สวัสดี Γειά 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽 e\u0301 1 12 123 1234 12345678901 3.14 ½ ² x_1 "
         "foo_bar() { return -1; } for(int i=0;i<n;++i) <html> &amp; https://example.org/a?b=c#d a@b.c $1,000.00 50% "
         "def main(): print('x') // /* */ \\n \"q\" SELECT * FROM t WHERE a!=b; ſ 'ſ K").split(" ")
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n", "\n ", "\u00a0", "\u3000", "\u2028", "\u180e", "\u0085",
          "    ", "\t\t", "\v", "\f", "\u200b", "\x1c"]


def strings(rng):
    yield b""
    for unit in "a ab 1 \n \t . é 北 👍 - = A \r\n".split(" ") + [" ", "\n ", " \n", "a ", "<think>"]:
        for n in (1, 2, 3, 7, 16, 100, 1000, 20000):
            yield (unit * n).encode()
    yield b"a" * 100000
    yield b" " * 100000
    for literal in ADDED:
        for s in (literal, " " + literal, literal + " ", literal[:-1], literal * 2, "x" + literal + "y", literal[1:]):
            yield s.encode()
    for _ in range(2500):
        lo, hi = rng.choice(SCRIPTS)
        yield "".join(chr(rng.randint(lo, hi)) for _ in range(rng.randint(1, 24))).encode("utf-8", "replace")
    for _ in range(1500):
        yield "".join(chr(rng.randint(*rng.choice(SCRIPTS))) for _ in range(rng.randint(1, 20))).encode()
    for _ in range(3500):
        parts = []
        for _ in range(rng.randint(1, 12)):
            parts += [rng.choice(WORDS), rng.choice(SPACES) if rng.random() < 0.6 else rng.choice([" ", ""])]
        yield "".join(parts).encode()
    for _ in range(700):
        yield "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 10))).encode() + rng.choice([b"", b"x", b"."])
    for _ in range(600):
        yield str(rng.randint(0, 10 ** rng.randint(1, 30))).encode()
    for _ in range(600):
        yield "".join(rng.choice(ADDED + WORDS + SPACES) for _ in range(rng.randint(1, 8))).encode()
    for _ in range(1200):
        good = bytearray("".join(rng.choice(WORDS) + " " for _ in range(rng.randint(1, 5))).encode())
        for _ in range(rng.randint(1, 4)):
            good[rng.randrange(len(good))] = rng.randint(0x80, 0xFF)
        yield bytes(good)
    for _ in range(500):
        yield bytes(rng.randint(0, 255) for _ in range(rng.randint(1, 16)))


def escape(data):
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\x%02x" % b for b in data)


def show(ids):
    if len(ids) <= 64:
        return " ".join(map(str, ids))
    h = 0xCBF29CE484222325
    for i in ids:
        for b in i.to_bytes(4, "little"):
            h = (h ^ b) * 0x100000001B3 % 2**64
    return "#%d %d" % (len(ids), h)


def main(path, out):
    text = (gzip.open(path) if path.endswith(".gz") else open(path, "rb")).read().decode()
    full = Tokenizer.from_str(text)
    tree = json.loads(text)
    plain_tree = dict(tree, added_tokens=[])
    plain = Tokenizer.from_str(json.dumps(plain_tree))
    lines, seen = [], set()
    for data in strings(random.Random(20)):
        if data in seen:
            continue
        seen.add(data)
        s = data.decode("utf-8", "replace")
        ids = full.encode(s, add_special_tokens=False).ids
        lines.append("s\t%s\t%s\n" % (escape(data), show(ids)))
        other = plain.encode(s, add_special_tokens=False).ids
        if other != ids:
            lines.append("p\t%s\t%s\n" % (escape(data), show(other)))
    with open(out, "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
        z.write("".join(lines).encode())
    print(len(seen), "strings,", len(lines), "lines")


main(*sys.argv[1:])
