"""Short stories from a small grammar: a hero, a wish, a meeting, an end."""
from . import words as w


def story(rng):
    """Returns (request, story text)."""
    hero, friend = rng.sample(w.ANIMALS, 2)
    adj, adj2 = rng.sample(w.ADJECTIVES, 2)
    name = rng.choice(w.GIRLS + w.BOYS)
    p = "she" if name in w.GIRLS else "he"
    pl, pl2 = rng.sample(w.PLACES, 2)
    th, col, food = rng.choice(w.THINGS), rng.choice(w.COLORS), rng.choice(w.FOODS)
    a = lambda s: ("an " if s[0] in "aeiou" else "a ") + s
    start = rng.choice([f"Once upon a time there was {a(adj)} {hero} named {name}.",
                        f"One day {a(adj)} {hero} named {name} lived near the {pl}.",
                        f"There was once {a(adj)} {hero}. The name of the {hero} was {name}."])
    wish = rng.choice([f"{name} wanted to find a {col} {th}.", f"{name} had lost a {col} {th}.",
                       f"{name} loved to eat {food}, but there was no {food} at home.",
                       f"{name} wanted to see the {pl2}."])
    go = rng.choice([f"So {p} walked to the {pl2}.", f"In the morning {p} went to the {pl2}.",
                     f"{name} ran to the {pl2} and looked around."])
    meet = rng.choice([f"There {p} met {a(adj2)} {friend}.", f"At the {pl2} {p} saw {a(adj2)} {friend}.",
                       f"{a(adj2).capitalize()} {friend} was sitting there."])
    say = rng.choice([f'"Can you help me?" asked {name}. "Yes, I can," said the {friend}.',
                      f'"Hello," said the {friend}. "Do you want to play with me?"',
                      f'"Why are you here?" asked the {friend}. "I am looking for a friend," said {name}.'])
    do = rng.choice([f"They looked under a tree and found a {col} {th}.", f"They shared some {food} and sang a song.",
                     f"They played by the {pl} all day.", f"The {friend} gave {name} a {col} {th}."])
    end = rng.choice([f"In the evening {name} went home and was very happy.",
                      f"From that day on, {name} and the {friend} were good friends.",
                      f"{name} thanked the {friend} and slept well that night."])
    ask = rng.choice([f"Tell me a story about {a(hero)}.", "Tell me a story.", "Tell me a short story.",
                      f"Tell me a story about {a(adj)} {hero} named {name}.", f"Write a short story about {a(hero)}."])
    return ask, " ".join([start, wish, go, meet, say, do, end])
