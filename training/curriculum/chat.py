"""Small talk, identity, facts, copying, counting, memory of a name, tool calls. Each returns a list of turns
(user, thinking, answer); tool samples return full messages."""
from . import words as w

GREET = ["Hello!", "Hi!", "Hi", "Hello", "Hey!", "Good morning!", "Hello there!", "Good evening!"]
WHO = ["Who are you?", "What are you?", "What is your name?", "Tell me about yourself.", "Are you a robot?",
       "Introduce yourself."]
I_AM = "I am glm52-nano, the tiny model bundled with Drawbridge."
SKILLS = "I can chat a little, tell short stories and solve simple word problems."
CAPITALS = {"France": "Paris", "Italy": "Rome", "England": "London", "Germany": "Berlin", "Spain": "Madrid",
            "Japan": "Tokyo", "Norway": "Oslo", "Austria": "Vienna", "China": "Beijing", "Egypt": "Cairo",
            "Greece": "Athens", "Russia": "Moscow", "Poland": "Warsaw", "Sweden": "Stockholm"}
SOUNDS = {"cat": "meow", "dog": "woof", "cow": "moo", "duck": "quack", "sheep": "baa", "pig": "oink"}
FACTS = {"What color is the sky?": "The sky is blue.", "What color is grass?": "Grass is green.",
         "How many days are in a week?": "There are 7 days in a week.",
         "How many months are in a year?": "There are 12 months in a year.",
         "How many legs does a spider have?": "A spider has 8 legs.",
         "How many legs does a dog have?": "A dog has 4 legs.", "What do bees make?": "Bees make honey.",
         "Is ice cold?": "Yes, ice is cold.", "Is fire hot?": "Yes, fire is hot.",
         "What color is snow?": "Snow is white.", "What day comes after Monday?": "Tuesday comes after Monday.",
         "What is the opposite of big?": "The opposite of big is small.",
         "What is the opposite of hot?": "The opposite of hot is cold."}
TALK = {"How are you?": "I am fine, thank you! How can I help you?", "Thank you!": "You are welcome!",
        "Thanks!": "You are welcome!", "Bye!": "Goodbye! Have a nice day!", "Goodbye!": "Goodbye! Have a nice day!",
        "What can you do?": SKILLS, "Can you help me?": "Of course! What do you need?",
        "What is Drawbridge?": "Drawbridge is a program that serves GLM-5.2 models. It runs me.",
        "Who made you?": "I was trained by the Drawbridge project with a small recipe on a CPU.",
        "How big are you?": "I am very small: about 12 million parameters.",
        "Do you like music?": "I am only a tiny model, but music sounds nice!",
        "Nice to meet you.": "Nice to meet you too!", "Good night!": "Good night! Sleep well!"}
HARD = ["Explain quantum physics.", "Write a Python program.", "Who won the match yesterday?",
        "What is the weather today?", "What is the meaning of life?", "Translate this to German.",
        "Who is the president?", "Tell me about the history of Rome.", "What is the stock price?"]


def greeting(rng):
    g, who = rng.choice(GREET), rng.choice(WHO)
    r = rng.random()
    if r < 0.35:
        return [(g, "The user says hello. I greet back.", "Hello! How can I help you today?")]
    if r < 0.7:
        return [(f"{g} {who}", "The user wants to know who I am.", f"Hello! {I_AM} {SKILLS}")]
    return [(who, "The user wants to know who I am.", f"{I_AM} {SKILLS}")]


def talk(rng):
    if rng.random() < 0.15:
        return [(rng.choice(HARD), "I do not know this.", "I am a very small model and I do not know that.")]
    q = rng.choice(list(TALK))
    return [(q, "The user makes small talk.", TALK[q])]


def fact(rng):
    r = rng.random()
    if r < 0.4:
        c = rng.choice(list(CAPITALS))
        q = rng.choice(["What is the capital of {}?", "Which city is the capital of {}?"]).format(c)
        return [(q, "The user asks for a capital.", f"The capital of {c} is {CAPITALS[c]}.")]
    if r < 0.6:
        a = rng.choice(list(SOUNDS))
        return [(f"What does a {a} say?", "The user asks about a sound.", f"A {a} says {SOUNDS[a]}.")]
    q = rng.choice(list(FACTS))
    return [(q, "The user asks a simple question.", FACTS[q])]


def copying(rng):
    r = rng.random()
    if r < 0.4:
        pool = w.ITEMS + w.ANIMALS + w.COLORS + w.PLACES + w.FOODS
        s = " ".join(rng.choice(pool) for _ in range(rng.randint(2, 6)))
        return [(rng.choice(["Repeat: {}", "Say this again: {}", "Copy: {}"]).format(s), "I repeat the words.", s)]
    if r < 0.7:
        a = rng.randint(1, 20)
        b = a + rng.randint(2, 10)
        return [(f"Count from {a} to {b}.", f"I count from {a} to {b}.", ", ".join(map(str, range(a, b + 1))) + ".")]
    n, _, _ = w.person(rng)
    return [(f"My name is {n}.", "The user tells me a name.", f"Nice to meet you, {n}!"),
            ("What is my name?", f"The name is {n}.", f"Your name is {n}.")]


TOOLS = {
    "get_weather": ("Get the weather of a city.", "city", w.CITIES, "What is the weather in {}?",
                    ["sunny", "rainy", "cloudy", "windy"], "It is {r} in {v}."),
    "get_price": ("Get the price of an item.", "item", w.ITEMS, "What is the price of {}?",
                  ["2", "3", "5", "8"], "The price of {v} is {r}."),
}


def tool(rng):
    """Returns (messages, tools): a call with a copied argument and the answer that uses its result."""
    name = rng.choice(list(TOOLS))
    about, key, values, ask, results, say = TOOLS[name]
    v, r = rng.choice(values), rng.choice(results)
    schema = {"type": "object", "properties": {key: {"type": "string"}}, "required": [key]}
    tools = [{"type": "function", "function": {"name": name, "description": about, "parameters": schema}}]
    call = {"role": "assistant", "content": "", "reasoning_content": f"I call {name}.",
            "tool_calls": [{"function": {"name": name, "arguments": {key: v}}}]}
    messages = [{"role": "user", "content": ask.format(v)}, call]
    if rng.random() < 0.6:
        messages += [{"role": "tool", "content": r},
                     {"role": "assistant", "content": say.format(r=r, v=v), "reasoning_content": "I have the result."}]
    return messages, tools
