"""Writes golden chat renderings: random conversations through the real GLM-5.2 templates and Jinja, as HF runs it.

Usage: make_template_golden.py tests/data/text     Reads the two .jinja files there, writes chat.golden.jsonl.gz.
"""
import gzip, json, random, sys
from jinja2.sandbox import ImmutableSandboxedEnvironment

TEXTS = ["Hi", "", " Hello! ", "北京 weather?\n", "\u3000trim me\u00a0\n", "a</think>b", "<think>\nplan\n</think>\nanswer ",
         "x<think>y<think>z</think>mid</think>end", "👍🏽 \"quoted\" \\ back\tslash", "\x1c\x85edge\u2028", "</think>", "line1\nline2",
         "<|user|>", "{{ not jinja }}", "\u180ekept\u200b"]
VALUES = ["str", "北京", "", "with \"quotes\"\n", 3, -7, 0, 2**63 - 1, 18446744073709551615, True, False, None, 1.5, 0.1, 1e16, 1e22,
          1e-5, 0.0001, 123456789012345680.0, 5e-324, 1.7976931348623157e308, -0.0, 100.0, 1e15, [1, "a"], [], {},
          {"k": [None, {"d": "é\x7f\x01\b\f/"}], "z": 1.25}, [[], [[2.5e-10]]]]
PART = [{"type": "text", "text": "part one "}, "bare string", {"type": "image"}, {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "video"}, {"type": "video_url"}, {"type": "audio"}, {"type": "input_audio"}, {"type": "audio_url"},
        {"type": "text", "text": "последний"}]


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def content(rng):
    if rng.random() < 0.25:
        return [rng.choice(PART) for _ in range(rng.randint(0, 4))]
    return rng.choice(TEXTS)


def arguments(rng):
    keys = rng.sample(["city", "days", "ok", "list", "日付", "a b", "x\"y"], rng.randint(0, 4))
    return {k: rng.choice(VALUES) for k in keys}


def tool(rng, i):
    f = {"name": "tool%d" % i, "description": rng.choice(TEXTS),
         "parameters": {"type": "object", "properties": {"city": {"type": "string", "default": rng.choice(VALUES)}}}}
    if rng.random() < 0.3:
        f["strict"] = True
    if rng.random() < 0.3:
        f["defer_loading"] = rng.choice([True, False])
    items = list(f.items())
    rng.shuffle(items)
    f = dict(items)
    return {"type": "function", "function": f} if rng.random() < 0.7 else f


def assistant(rng):
    m = {"role": "assistant", "content": content(rng)}
    if rng.random() < 0.5:
        m["reasoning_content"] = rng.choice(TEXTS)
    if rng.random() < 0.5:
        calls = [{"name": "tool%d" % rng.randint(0, 3), "arguments": arguments(rng)} for _ in range(rng.randint(0, 3))]
        m["tool_calls"] = [{"id": "c", "type": "function", "function": c} if rng.random() < 0.7 else c for c in calls]
    return m


def tool_result(rng):
    kind = rng.random()
    if kind < 0.5:
        return {"role": "tool", "content": rng.choice(TEXTS)}
    if kind < 0.65:
        return {"role": "tool", "content": [{"output": rng.choice(TEXTS)} for _ in range(rng.randint(1, 3))]}
    if kind < 0.8:
        return {"role": "tool", "content": [{"type": "tool_reference", "name": "tool%d" % rng.randint(0, 3)}
                                            for _ in range(rng.randint(1, 3))]}
    return {"role": "tool", "content": content(rng)}


def conversation(rng):
    messages = [{"role": "system", "content": content(rng)}] if rng.random() < 0.5 else []
    for _ in range(rng.randint(0, 4)):
        messages.append({"role": "user", "content": content(rng)})
        for _ in range(rng.randint(0, 3)):
            messages.append(assistant(rng))
            messages += [tool_result(rng) for _ in range(rng.randint(0, 3))]
    options = {"add_generation_prompt": rng.random() < 0.7}
    if rng.random() < 0.6:
        options["tools"] = [tool(rng, i) for i in range(rng.randint(0, 4))]
    if rng.random() < 0.5:
        options["enable_thinking"] = rng.random() < 0.5
    if rng.random() < 0.5:
        options["clear_thinking"] = rng.random() < 0.4
    if rng.random() < 0.5:
        options["reasoning_effort"] = rng.choice(["high", "low", "max", "none", "High"])
    return messages, options


def with_string_arguments(rng, messages):
    """Clients send arguments as JSON text; the template wants the object."""
    copy = json.loads(json.dumps(messages))
    for m in copy:
        for call in m.get("tool_calls", []):
            c = call.get("function", call)
            if rng.random() < 0.5:
                c["arguments"] = json.dumps(c["arguments"], ensure_ascii=rng.random() < 0.5)
    return copy


def main(folder):
    rng = random.Random(52)
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    env.filters["tojson"] = tojson
    lines = []
    for name, n in (("GLM-5.2", 400), ("GLM-5.2-image-tokens", 200)):
        template = env.from_string(open("%s/%s.jinja" % (folder, name), encoding="utf-8").read())
        for _ in range(n):
            messages, options = conversation(rng)
            text = template.render(messages=messages, **options)
            given = with_string_arguments(rng, messages)
            lines.append(json.dumps({"template": name, "messages": given, "options": options, "text": text}) + "\n")
    with open(folder + "/chat.golden.jsonl.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
        z.write("".join(lines).encode())
    print(len(lines), "renderings")


main(*sys.argv[1:])
