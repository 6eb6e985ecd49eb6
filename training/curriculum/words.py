"""Word lists shared by the generators. Plain, short words, so that a small model sees each often."""

GIRLS = "Anna Mia Lucy Emma Sara Nora Kate Rosa Jane Lily Ella Ruth Maya Zoe Amy".split()
BOYS = "Tom Ben Sam Max Leo Jack Paul Omar Finn Noah Adam Luke Ivan Carl Dan".split()
ITEMS = ("apples pears books pencils marbles stickers cookies shells coins cards balloons eggs flowers "
         "stamps stones oranges cakes toys buttons candies").split()
BOXES = "boxes bags baskets jars".split()
ANIMALS = "cat dog fox rabbit bear mouse duck owl frog horse pig bird".split()
PLACES = "forest garden village river farm beach park hill castle lake".split()
ADJECTIVES = "little big happy brave kind clever shy hungry tired curious".split()
THINGS = "ball key hat book lamp bell kite map ring box".split()
FOODS = "bread cheese soup cake honey berries apples nuts".split()
COLORS = "red blue green yellow white black brown golden".split()
CITIES = "Paris Rome London Berlin Madrid Tokyo Oslo Vienna".split()


def person(rng):
    """Returns (name, subject pronoun, possessive)."""
    if rng.random() < 0.5:
        return rng.choice(GIRLS), "she", "her"
    return rng.choice(BOYS), "he", "his"
