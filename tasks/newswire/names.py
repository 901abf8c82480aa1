"""Inventories of people, places, organizations and products, most of them invented.

An entity is a tuple of forms, the full one first: ("Dana Holt", "Holt"); an article in front is not part of the name. Lists run from frequent to rare; names
that belong to several inventories (Jordan, Houston, Ford) stand first. Part of every inventory is for the test set alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.core.seeds import seed_for

Entity = tuple[str, ...]


def listed(text: str) -> list[str]:
    """Names that are separated by semicolons, or by blanks where there is no semicolon."""
    return [name.strip() for name in text.split(";")] if ";" in text else text.split()


FIRST = listed("""
Jordan Chelsea Austin Mark Will Sydney Georgia Mercedes May Charlotte Dallas Florence Grace Kent Victoria Paris Dana Priya Tomas Ingrid
Oscar Leila Marta Aldo Yusuf Nadia Pavel Rosa Edwin Carla Silas Anika Felix Judith Omar Greta Louis Teresa Viktor Amara Corin Sofia Dmitri
Helen Rafael Mina Walter Ines Samir Nora Boris Elena Kwame Ruth Stefan Wanda""")
SURNAMES = listed("""
Jackson Holt Lincoln Weaver Hamilton Okafor Morgan Lindgren Chase Moreno May Petrov Tanaka Fischer Alvarez Ford Novak Washington Rossi
Jordan Kimura Austin Haddad Houston Mark Bentley Mensah Dell Duarte Cleveland Orange Becker Madison Derby Chad Preston Quinn Reading Kellogg
Farrell Bradford Lancaster Iqbal Santos""")
CITIES = listed("""
Houston Paris Washington Austin Berlin London Nairobi Cleveland Moscow Madison Tokyo Beijing Preston Cairo Charlotte Oslo Chelsea Geneva
Florence Lima Lincoln Sydney Dallas Hamilton Warsaw Reading Ankara Jackson Derby Orange Victoria Lancaster Bradford Mobile Bath Lagos Quito
Hanoi Tunis Riga""")
STATES = listed("""
Jordan Georgia Germany Turkey Chad Kenya France Israel Brazil Japan China Peru Poland Norway Egypt Mexico Ghana Chile Latvia Vietnam Nepal
Cuba Malta Yemen""")
REGIONS = listed("""
the Amazon; Virginia; Kent; the Gulf of Corlen; Victoria; Georgia; Lake Victoria; Washington; Montana; Mount Lincoln; the Jordan River;
New Kent; Orange County; Madison County; the Amazon Basin; Cape Holt; North Derby; the Mercedes Valley; the Isle of Brant; Lake Chad;
West Lancaster; the Red Hills; South Fenmore; Port Austin; the Strait of Velmar; East Reading""")
FIRMS = listed("""
Ford Apple Sony Amazon Shell Dell Target Visa Philips Orange Kellogg Gap Canon Ostrel Vandor Luminor Kippax Tolvane Mercedes Morgan
Jaguar Chase Lincoln Bentley""")
BRANDS = listed("""
Mercedes Bentley Jaguar Tesla Mercury Kestrel Comet Lincoln Orion Ford Corvane Sony Canon Austin Dell Apple Jordan Philips Kellogg Shell
Orange Amazon""")
GOVERNMENTS = listed("""
the Kremlin; Congress; the White House; Washington; the Senate; the Pentagon; Downing Street; Parliament; the Cabinet; Beijing;
the Treasury; the Knesset; Moscow; the State Department; the Home Office; the Bundestag; Paris; the Supreme Court; the Foreign Office; London;
Ankara; Jordan; Cairo""")

HEADS = listed("Var Tel Nor Kes Bran Sol Mer Zen Quin Hal Dor Vel Cor Lum Fen Ax Pol Gal Ster Tor Mar Lin Hart Win Ash Bel")
# Some tails belong to several kinds: the last letters of a new name do not give its type away.
BRAND_TAILS = listed("nex tron dyne vex mont tec ora via lon mark wave fin ton ford")
PLACE_TAILS = listed("ton ford ham field bury ville port mouth dale wick more lon mar via")
PERSON_TAILS = listed("holt worth ley wick man sen berg ford ton well mark dale more ora")
SUFFIXES = listed("Inc Corp Group Holdings Ltd Motors Airlines Energy Systems Foods Bank Partners")
CLUB_SUFFIXES = listed("United City Rovers Athletic Wanderers Stars Town")
BODIES = listed("the Bank of {}; {} University; {} City Council; the University of {}; {} Central Bank; {} Police")
OFFICES = listed("Health Trade Defense Justice Transport Energy")


@dataclass(frozen=True)
class Inventory:
    """Entities of one kind: ``seen`` may occur anywhere, ``new`` outside the training pool alone."""

    type: str
    seen: tuple[Entity, ...]
    new: tuple[Entity, ...]


@functools.lru_cache(maxsize=1)
def inventories() -> dict[str, Inventory]:
    """All inventories by name."""
    surnames = SURNAMES + _invented(PERSON_TAILS, "person", 90)
    cities = CITIES + _invented(PLACE_TAILS, "place", 90)
    stems = _invented(BRAND_TAILS, "brand", 180)
    makers, models = FIRMS + stems[:90], stems[90:]
    lakes = [f"Lake {city}" for city in cities[40:60]]
    return {
        "PER": _split("PER", [(f"{first} {last}", last) for first, last in _pairs(FIRST, surnames, 2 * len(surnames))], 24),
        "CITY": _split("LOC", _single(cities), 22),
        "STATE": _split("LOC", _single(STATES), 10),
        "REGION": _split("LOC", _single(REGIONS + lakes), 8),
        "COMPANY": _split("ORG", _companies(makers, surnames), 24),
        "INST": _split("ORG", _institutions(cities), 10),
        "CLUB": _split(
            "ORG", _clubs(["Chelsea", *_invented(PLACE_TAILS, "town", 45)[:8], "Houston", *_invented(PLACE_TAILS, "town", 45)[8:], "Derby", "Orange"]), 14
        ),
        "GOV": _split("ORG", _single(GOVERNMENTS), 17),
        "PRODUCT": _split("PROD", _products(makers, models), 16),
        "BRAND": _split("PROD", _single(BRANDS + models[60:80]), 12),
    }


def _companies(makers: list[str], surnames: list[str]) -> list[Entity]:
    firms = [(f"{maker} {SUFFIXES[i % len(SUFFIXES)]}", maker) for i, maker in enumerate(makers)]
    return _mix(firms, [(f"{one} & {other}",) for one, other in _pairs(surnames[::-1], surnames, 24)])


def _institutions(cities: list[str]) -> list[Entity]:
    bodies = [(BODIES[i % len(BODIES)].format(city),) for i, city in enumerate(cities[:96])]
    agencies = [(f"{city} News Agency", f"{city[0]}NA{city[-1].upper()}") for city in cities[3:60:4]]
    return _mix(bodies, [*_single([f"the Ministry of {office}" for office in OFFICES]), *agencies])


def _clubs(towns: list[str]) -> list[Entity]:
    return [(f"{town} {CLUB_SUFFIXES[i % len(CLUB_SUFFIXES)]}", town) if i % 3 else (town,) for i, town in enumerate(towns)]


def _products(makers: list[str], models: list[str]) -> list[Entity]:
    numbers = [(i * 37 % 9 + 1) * (100 if i % 2 else 1) for i in range(len(models))]
    numbered = [(f"{model} {number}", model) if i % 4 else (model,) for i, (model, number) in enumerate(zip(models, numbers, strict=True))]
    return _mix(numbered, [(f"{maker} {model}", model) for maker, model in _pairs(makers, models[::-1], 60)])


def _split(kind: str, entities: Iterable[Entity], anchors: int) -> Inventory:
    """Two of five entities behind the first ``anchors`` are new at test time."""
    unique = list(dict.fromkeys(entities))
    rest = unique[anchors:]
    held = {*rest[1::5], *rest[3::5]}
    return Inventory(kind, tuple(e for e in unique if e not in held), tuple(e for e in rest if e in held))


def _invented(tails: list[str], axis: str, count: int) -> list[str]:
    """``count`` composed names in a random order of their own."""
    every = [head + tail for head in HEADS for tail in tails]
    order = np.random.Generator(np.random.Philox(key=seed_for("newswire", "names", axis))).permutation(len(every))
    return [every[i] for i in order[:count]]


def _single(names: Iterable[str]) -> list[Entity]:
    return [(name,) for name in names]


def _pairs(left: list[str], right: list[str], count: int) -> list[tuple[str, str]]:
    """Pairs that step through both lists at different paces, so that every name meets several partners."""
    made = [(left[(i * 17 + i // len(left)) % len(left)], right[i % len(right)]) for i in range(count)]
    return [(one, other) for one, other in made if one != other]


def _mix(often: Sequence[Entity], rarely: Sequence[Entity]) -> list[Entity]:
    """One of ``rarely`` behind every third of ``often``, the rest at the end."""
    made: list[Entity] = []
    for i, entity in enumerate(often):
        made.append(entity)
        if i % 3 == 2:
            made.extend(rarely[i // 3 : i // 3 + 1])
    return [*made, *rarely[len(often) // 3 :]]
