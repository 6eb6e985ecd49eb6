"""The mixture: draws one sample, renders it through the real chat template, and says which text is trained.

A rendered chat ends with the stop token that follows the last assistant turn (`<|user|>`, or `<|observation|>`
after tool calls). The trained part is what the model itself writes: see encode.py.
"""
from . import arithmetic, chat, stories

SYSTEMS = ["You are a helpful assistant.", "Be brief.", "You are a friendly assistant.", "Answer simply."]
BROAD = {"one": 46, "two": 16, "bare": 6, "greet": 7, "talk": 6, "fact": 6, "copy": 6, "story": 12, "tool": 2}
SUMS = {"one": 40, "two": 14, "bare": 45, "greet": 5, "talk": 4, "fact": 4, "copy": 4, "story": 7, "tool": 1}


def turns(rng, kind):
    if kind in ("one", "two"):
        while True:
            q, think, text, _, is_held = (arithmetic.one_step if kind == "one" else arithmetic.two_step)(rng)
            if not is_held:
                return [(q, think, text)]
    if kind == "bare":
        return [arithmetic.bare(rng) for _ in range(rng.randint(1, 8))]
    if kind == "story":
        q, text = stories.story(rng)
        return [(q, "The user wants a story.", text)]
    return {"greet": chat.greeting, "talk": chat.talk, "fact": chat.fact, "copy": chat.copying}[kind](rng)


def options(rng):
    """Template options: thinking on at the default effort, on at high effort, or off."""
    r = rng.random()
    if r < 0.45:
        return {}
    return {"reasoning_effort": "high"} if r < 0.55 else {"enable_thinking": False}


def messages_of(rng, pairs, thinking):
    out = []
    if rng.random() < 0.12:
        out.append({"role": "system", "content": rng.choice(SYSTEMS)})
    for q, think, text in pairs:
        out.append({"role": "user", "content": q})
        msg = {"role": "assistant", "content": text}
        if thinking:
            msg["reasoning_content"] = think
        out.append(msg)
    return out


def sample(rng, template, mixture=BROAD):
    """Returns one rendered chat of a kind drawn from `mixture` (kind: weight), stop token included."""
    opts = options(rng)
    thinking = opts.get("enable_thinking", True)
    kind = rng.choices(list(mixture), list(mixture.values()))[0]
    if kind == "tool":
        messages, tools = chat.tool(rng)
        if not thinking:
            messages = [{k: v for k, v in m.items() if k != "reasoning_content"} for m in messages]
        text = template.render(messages=messages, tools=tools, **opts)
        return text + ("<|observation|>" if messages[-1].get("tool_calls") else "<|user|>")
    pairs = turns(rng, kind)
    while kind != "story" and rng.random() < 0.15 and len(pairs) < 4:
        pairs = pairs + turns(rng, rng.choice(["one", "greet", "talk", "fact", "copy"]))
    return template.render(messages=messages_of(rng, pairs, thinking), **opts) + "<|user|>"
