"""One-step and two-step word problems in GSM8K's answer form, and the held-out split.

A problem is held out when its whole question hashes into one tenth; training rejects every held-out question. The sums
themselves are few (some 1,500 operand pairs) and all of them are trained: a model of this size learns them by heart.
Measured once with the pairs of additions and subtractions withheld: it then got 3% of the withheld ones right.
"""
import zlib

from . import words as w


def held(key, parts=10):
    return zlib.crc32(key.encode()) % parts == 0


ADD = [
    "{n} has {a} {i} and buys {b} more. How many {i} does {p} have?",
    "{n} has {a} {i} and gets {b} more. How many {i} does {p} have now?",
    "{n} has {a} {i}. {m} gives {n} {b} more. How many {i} does {n} have?",
    "{n} finds {a} {i} in the morning and {b} {i} in the evening. How many {i} does {p} find in all?",
    "There are {a} {i} on the table. {n} puts {b} more on it. How many {i} are on the table?",
    "{n} has {a} {i} and {m} has {b} {i}. How many {i} do they have together?",
]
SUB = [
    "{n} has {a} {i} and gives {b} to {m}. How many {i} does {p} have left?",
    "{n} has {a} {i} and loses {b}. How many {i} does {p} have left?",
    "{n} had {a} {i}. {P} sold {b} of them. How many {i} are left?",
    "There are {a} {i} on the table. {n} takes {b} away. How many {i} are left?",
    "{n} has {a} {i}. {m} has {b} {i}. How many more {i} does {n} have than {m}?",
]
MUL = [
    "{n} has {a} {x} with {b} {i} in each. How many {i} does {p} have?",
    "There are {a} {x}. Each holds {b} {i}. How many {i} are there in all?",
    "{n} buys {b} {i} every day for {a} days. How many {i} does {p} buy?",
    "Each of {a} children has {b} {i}. How many {i} do they have together?",
]
DIV = [
    "{n} shares {a} {i} equally among {b} friends. How many {i} does each friend get?",
    "{n} puts {a} {i} equally into {b} {x}. How many {i} are in each?",
    "{a} {i} are split equally among {b} children. How many {i} does each child get?",
]
KINDS = {"+": ADD, "-": SUB, "*": MUL, "/": DIV}
SAY = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def operands(rng, op):
    if op == "+":
        return rng.randint(2, 40), rng.randint(2, 20)
    if op == "-":
        a = rng.randint(5, 50)
        return a, rng.randint(2, min(a - 1, 20))
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return (a, b) if op == "*" else (a * b, b)


def apply(op, a, b):
    return {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[op]


def calc(op, a, b):
    """GSM8K's annotated sum: `5 + 3 = <<5+3=8>>8`."""
    c = apply(op, a, b)
    return f"{a} {op} {b} = <<{a}{op}{b}={c}>>{c}"


def one_step(rng):
    """Returns (question, thinking, answer text, result, held_out)."""
    op = rng.choices("+-*/", (4, 4, 2, 2))[0]
    a, b = operands(rng, op)
    n, p, _ = w.person(rng)
    m = rng.choice([x for x in w.GIRLS + w.BOYS if x != n])
    i, x = rng.choice(w.ITEMS), rng.choice(w.BOXES)
    q = rng.choice(KINDS[op]).format(n=n, m=m, a=a, b=b, i=i, x=x, p=p, P=p.capitalize())
    c = apply(op, a, b)
    text = f"{calc(op, a, b)} {i}.\n#### {c}"
    think = f"I {SAY[op]} {a} and {b}. {a} {op} {b} = {c}."
    return q, think, text, c, held(q)


SECOND = {
    "+": "Then {p} gets {b} more.",
    "-": "Then {p} gives away {b}.",
}
FIRST = [("+", "{n} has {a} {i} and buys {b} more."), ("-", "{n} has {a} {i} and loses {b}."),
         ("*", "{n} has {a} {x} with {b} {i} in each.")]


def two_step(rng):
    while True:
        op, first = rng.choice(FIRST)
        a, b = operands(rng, op)
        c = apply(op, a, b)
        op2 = rng.choice("+-")
        d = rng.randint(2, 9)
        if c <= d:
            continue
        n, p, _ = w.person(rng)
        i, x = rng.choice(w.ITEMS), rng.choice(w.BOXES)
        e = apply(op2, c, d)
        q = (first + " " + SECOND[op2].replace("{b}", str(d))).format(n=n, a=a, b=b, i=i, x=x, p=p)
        q += f" How many {i} does {p} have now?"
        text = f"First {calc(op, a, b)} {i}.\nThen {calc(op2, c, d)} {i}.\n#### {e}"
        think = f"I {SAY[op]}, then {SAY[op2]}. {a} {op} {b} = {c}. {c} {op2} {d} = {e}."
        return q, think, text, e, held(q)


def bare(rng):
    """`What is 12 + 7?`"""
    op = rng.choice("++--*/")
    a, b = operands(rng, op)
    q = rng.choice(["What is {}?", "{}", "Calculate {}.", "How much is {}?"]).format(f"{a} {op} {b}")
    return q, f"{a} {op} {b} = {apply(op, a, b)}.", f"{calc(op, a, b)}\n#### {apply(op, a, b)}"
