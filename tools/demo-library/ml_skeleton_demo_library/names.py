"""Names of artists, albums and songs, and the file names that trip up careless programs."""

import numpy as np

ARTISTS = (
    "Halcyon Ditch", "The Copper Owls", "Nine Lanterns", "Vera Okonjo", "Mäandertal", "Left/Right",
    "Tin Harbour", "Ósk Brynja", "Paper Comet", "Quartet Lindqvist", "The Slow Escalators", "Marrow & Pine",
    "DJ Gantry", "Sable Orchard", "Fermata Club", "Low Tide Choir", "Byte Orchardist", "Iris van Doorn",
    "Kilo Foxglove", "The Understudies", "Salt Museum", "Ember Ledger", "Tomasz Wierzba", "Polar Kiosk",
)  # fmt: skip
ALBUM_FIRST = ("Northern", "Glass", "Second", "Hollow", "Seven", "Paper", "Winter", "Lost", "Wired", "Blue")
ALBUM_SECOND = (
    "Stations",
    "Gardens",
    "Letters",
    "Machines",
    "Rooms",
    "Weather",
    "Maps",
    "Bridges",
    "Signals",
    "Harvest",
)
TITLE_FIRST = (
    "Amber", "Broken", "Counting", "Distant", "Early", "Falling", "Golden", "Hidden", "Idle", "June", "Kindly",
    "Last", "Morning", "Never", "Open", "Patient", "Quiet", "Rolling", "Silver", "Tender", "Under", "Velvet",
    "Wandering", "Yellow",
)  # fmt: skip
TITLE_SECOND = (
    "Anchor", "Balcony", "Circuit", "Drift", "Engine", "Ferry", "Gravel", "Horizon", "Island", "Junction",
    "Kite", "Ladder", "Mirror", "Needle", "Orbit", "Pendulum", "Quarry", "River", "Staircase", "Tunnel",
    "Umbrella", "Valley", "Window", "Yard",
)  # fmt: skip

# Title, and the name of the file without its ending where it is not "NN title".
ODD_TITLES: tuple[tuple[str, str | None], ...] = (
    ("100% Pure", None),
    ("Größe übt Mäßigung", None),
    ("Track #1?", None),
    ("春の海", None),
    ("Night Drive 🌙", None),
    ("-Leading Dash", "-Leading Dash"),
    ('The "Quoted" One\'s `Tick`', None),
    ("50%25 Off %23", None),
    ("Semi;colon & Amp + Plus = Equals, At @ Home: $5!", None),
    ("Two Lines", "Two\nLines"),
    ("Back\\slash | Pipe ^ <Tag>", None),
    ("Star*[brackets]{x} ~tilde_", None),
    ("Cafe\u0301 Combining", None),  # the accent is a character of its own, as macOS writes it
    ("A Very Long Title " + "that goes on and on " * 9 + "until it ends", None),
    ("Spaces on Both Ends", "  Spaces on Both Ends  "),
    ("Tab", "Tab\there"),
)


def shuffled_pairs(first: tuple[str, ...], second: tuple[str, ...], rng: np.random.Generator) -> list[str]:
    """Return every "first second" in random order: a name is never drawn twice."""
    pairs = [f"{one} {two}" for one in first for two in second]
    return [pairs[index] for index in rng.permutation(len(pairs))]


def file_name(name: str) -> str:
    """Return `name` as a name of a file: the one character a file name cannot hold becomes an underscore."""
    return name.replace("/", "_")
