"""The demo corpora: sentences drawn from a small grammar, labelled with part of speech, chunk and entity layers.

With them, the whole workflow runs without any download. The labels follow from the grammar, without noise. They are
hard because words are ambiguous, names in dev and test are new, and clues can be far from the words that they decide.
After any change of the grammar or the words that changes the files, GRAMMAR_VERSION of the configuration must be
raised.
"""

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import NamedTuple, TypeVar

from sparse_sharing.config.schema import SPLITS
from sparse_sharing.errors import ConfigError
from sparse_sharing.text.demo.lexicon import ENDINGS, PHRASES, WORDS, inflect, invent

CORPORA: tuple[str, ...] = ("joint", "separate")

SHORTEST, LONGEST = 4, 30
INVENTED_SHARE = 0.35
OPTIONAL_SHARE = 0.3

T = TypeVar("T")


class Token(NamedTuple):
    """A word with its Penn part of speech, its chunk in IOB2 and its entity in IOB2."""

    word: str
    pos: str
    chunk: str
    entity: str


class Part(NamedTuple):
    """The files of one task, or of all: the prefix of their names, their columns, and their topics, repeated by weight.

    `shift` is the position, as a share of its length, at which the most frequent words of each list begin.
    """

    prefix: str
    columns: tuple[str, ...]
    topics: tuple[str, ...]
    shift: float

    def file(self, split: str) -> str:
        return f"{self.prefix}{split}.txt"


PARTS: dict[str, tuple[Part, ...]] = {
    "joint": (Part("", Token._fields, ("politics", "business", "sport", "life"), 0.0),),
    "separate": (
        Part("pos.", ("word", "pos"), ("business", "business", "life", "politics"), 0.0),
        Part("chunk.", ("word", "pos", "chunk"), ("business", "politics", "life", "life"), 0.33),
        Part("ner.", ("word", "entity"), ("sport", "sport", "politics", "business"), 0.67),
    ),
}

# A name at the margin begins a symbol; below it are its productions, each after its weight. A symbol or list may have
# a version for one topic (name.topic), which takes precedence. The items of a production:
#   the|a/DT           one of these words, with its tag        role:NN      a word of a list, inflected for its tag
#   [NP ... ]          a chunk                                 <PER ... >   an entity
#   clause|question    one of these symbols                    HEADLINE     a symbol, written in capitals
#   verb_sg(act)       a symbol in which % means act           item?        an item that is often left out
#   ^                  the next word begins with a capital
SENTENCES = """
politics
  8 ^ statement ./.
  1 ^ question ?/.
  2 quotation
  2 dateline ^ statement ./.
business
  5 ^ statement ./.
  5 ^ market ./.
  1 ^ question ?/.
  1 quotation
  2 dateline ^ statement|market ./.
sport
  5 ^ match ./.
  3 ^ statement ./.
  2 result|ranking
  1 HEADLINE
  1 quotation
  1 dateline ^ match ./.
life
  8 ^ statement ./.
  1 ^ question ?/.
  2 quotation

dateline
  1 [NP <LOC CITY_NAME > date:CD ] -/:
headline
  2 [NP soccer|cricket|rugby/NN ] -/: team [VP beat:VBD|VBZ ] team [NP score:CD ]
  1 [NP tennis|golf|boxing/NN ] -/: player [VP beat:VBD|VBZ ] player
  1 [NP soccer|cricket|rugby/NN ] -/: player [VP want:VBZ to/TO leave|join|lead|face/VB ] team
result
  3 [NP <ORG team_name > digit:CD <ORG team_name > digit:CD ]
  1 [NP <ORG team_name > digit:CD ] (/( [NP <PER last:NNP > digit:CD ] )/) [NP <ORG team_name > digit:CD ]
ranking
  2 [NP rank:CD <PER first:NNP last:NNP > ] (/( [NP <LOC country:NNP > ] )/) [NP decimal:CD ]
  1 [NP rank:CD <ORG team_name > digit:CD digit:CD amount:CD ]
quotation
  2 ``/`` ^ clause ,/, ''/'' subject [VP say:VBD ] when? ./.
  2 ``/`` ^ clause ,/, ''/'' [VP say:VBD ] person ./.
question
  2 [VP did/VBD ] agent [VP act:VB ] object
  1 [VP will|can|should/MD ] agent [VP act:VB ] object
  1 [NP who|what/WP ] [VP act:VBD ] object when?
  1 [ADVP why|when|where|how/WRB ] [VP did/VBD ] agent [VP act:VB ] object
match
  5 team [VP beat:VBD ] team [NP score:CD ] competition|where|when
  2 player [VP beat:VBD ] player [NP score:CD score:CD ] competition|where|when
  1 team [VP lost|fell|slipped/VBD ] [PP to/TO ] team competition|when
  2 player [VP scored/VBD ] [NP count:CD goals|points|runs/NNS ] [PP for|against/IN ] team when?
  1 [NP <PER person_name > ] (/( [NP <LOC country:NNP > ] )/) [VP beat:VBD ] player competition
  1 [NP <ORG team_name > role:NN <PER person_name > ] verb_sg(act) object competition?
competition
  3 [PP in/IN ] [NP the/DT <MISC event_name > ]
  1 [PP in|at|after/IN ] [NP the/DT <MISC event_name > final|semifinal|match/NN ]
market
  3 [NP shares/NNS ] [PP in/IN ] [NP <ORG organisation_name > ] verb_pl(move) extent when?
  2 [NP <ORG organisation_name > thing:NNS ] verb_pl(move) extent
  2 organisation [VP say:VBD ] that? [NP its/PRP$? net/JJ profit/NN ] [VP move:VBD ] from_to year_before?
  2 [NP <ORG organisation_name > ] verb_sg(act) [NP <ORG organisation_name > ] [PP for/IN ] money
  2 [NP the/DT dollar|yen|mark|pound/NN ] verb_sg(move) extent [PP in|against/IN ] place

statement
  8 clause
  2 clause when
  1 when ,/, clause
  1 adverbial_clause ,/, clause
  2 clause adverbial_clause
  1 clause ,/,? and|but/CC clause
  1 [PP after|before|since|until|despite|like/IN ] thing ,/, clause
  1 [ADVP however|meanwhile|still|now/RB ] ,/, clause
  1 but|and/CC clause
adverbial_clause
  1 [SBAR after|before|as|since|if|while|because|until/IN ] clause
clause
  6 subject_sg verb_sg(act) object where|when?
  4 subject_pl verb_pl(act) object where|when?
  3 thing_sg verb_sg(move) extent|when
  3 thing_pl verb_pl(move) extent|when
  1 thing_sg [VP was/VBD act:VBN ] [PP by/IN ] agent when?
  1 thing_pl [VP were/VBD being/VBG? act:VBN ] [PP by/IN ] agent when?
  1 thing_sg [VP has|'s/VBZ been/VBN act:VBN ] where|when
  2 subject_sg|thing_sg [VP was/VBD ] complement
  1 subject_sg|thing_sg [VP is|'s/VBZ ] complement
  1 subject_pl|thing_pl [VP seem:VBP|VBD ] complement
  2 subject_sg phrasal(VBD|VBZ)
  2 subject_pl phrasal(VBD|VBP)
  2 subject_sg travel(VBD|VBZ)
  2 subject_pl travel(VBD|VBP)
  2 subject [VP say:VBD ] that? clause
  1 [NP <PER person_name > ] [VP say:VBD ] that? [NP he|she/PRP ] verb_sg(act) object
  1 [NP <ORG organisation_name > ] [VP say:VBD ] that? [NP it/PRP ] verb_sg(act) object
  1 [NP there/EX ] [VP was/VBD ] [NP a|no|another/DT modifier? thing:NN ] where|when

verb_sg
  5 [VP %:VBD ]
  2 [VP %:VBZ ]
  1 [VP modal %:VB ]
  1 [VP has|'s/VBZ %:VBN ]
  1 [VP is/VBZ manner:RB? %:VBG ]
  1 [VP want:VBD|VBZ to/TO %:VB ]
  1 [ADVP manner:RB ] [VP %:VBD|VBZ ]
verb_pl
  4 [VP %:VBD ]
  3 [VP %:VBP ]
  1 [VP modal %:VB ]
  1 [VP have/VBP %:VBN ]
  1 [VP are/VBP manner:RB? %:VBG ]
  1 [VP want:VBD|VBP to/TO %:VB ]
  1 [ADVP manner:RB ] [VP %:VBD|VBP ]
modal
  1 will|may|could|would|must|can/MD not|also|only/RB?
phrasal
  2 [VP set_up:% ] [PRT up/RP ] thing
  1 [VP set_up:% ] [NP the/DT thing:NN|NNS ] [PRT up/RP ]
  1 [VP put_off:% ] [PRT off/RP ] thing
  1 [VP put_off:% ] [NP the/DT thing:NN|NNS ] [PRT off/RP ] when?
  1 [VP turn_down:% ] [PRT down/RP ] thing
  1 [VP carry_out:% ] [PRT out/RP ] thing
  1 [VP take_over:% ] [PRT over/RP ] thing
  1 [VP carry_on:% ] [PRT on/RP ] where|when
  1 [VP give_up:% ] [PRT up/RP ] where|when
  1 [VP break_down:% ] [PRT down/RP ] where|when
travel
  3 [VP path:% ] [PP up|down|over|off|on|through/IN ] [NP the|a/DT modifier? route:NN ]
  3 [VP path:% ] [ADVP up|down|over|off|through|back|in|on|out/RB ] where|when
  2 [VP path:% ] [ADVP back|out/RB ]? [PP to/TO ] place
  1 [VP path:% ] [ADVP hard|fast|close|early|late|well/RB ] when?
complement
  3 [ADJP degree:RB? state:JJ ] where|when?
  1 [ADJP more|less/RBR state:JJ ] [PP than/IN ] thing
  1 [ADJP state:JJ ] [VP to/TO act:VB ] object
  1 [ADJP state:JJ ] that clause
  1 [ADJP close|open/JJ ] [PP to/TO ] thing
  1 [ADVP back|out|up|down|over|in/RB ] where|when
  1 [NP a|the/DT modifier role:NN ]
that
  1 [SBAR that/IN ]
extent
  3 [NP decimal:CD percent/NN ] where|when?
  1 [NP more/JJR than/IN decimal:CD percent/NN ]
  1 [ADVP more/RBR ] [PP than/IN ] thing
  1 [PP by/IN ] [NP amount:CD points|dollars|pounds|marks/NNS ]
  1 from_to
  2 [ADVP back|up|down|sharply|further|early|late|again/RB ] when?
"""


def file_names(corpus: str) -> tuple[str, ...]:
    """The names of the files of a corpus, by task and split.

    Raises:
        ConfigError: there is no demo corpus of that name.
    """
    return tuple(part.file(split) for part in _parts(corpus) for split in SPLITS)


def generate(corpus: str, sentences: Mapping[str, int], seed: int) -> dict[str, str]:
    """The files of a demo corpus: name to text in columns, one token per line, an empty line after each sentence.

    The text depends only on the arguments and `GRAMMAR_VERSION`. No sentence occurs twice in a corpus.

    Args:
        corpus: one of `CORPORA`.
        sentences: sentences per file for each of "train", "dev" and "test".
        seed: any integer.

    Raises:
        ConfigError: there is no such corpus, or `sentences` lacks a split, has an unknown one or a size below 1.
    """
    parts = _parts(corpus)
    if set(sentences) != set(SPLITS) or min(sentences.values()) < 1:
        raise ConfigError(f"demo corpus sizes: got {dict(sentences)}; expected a number from 1 on for each of {SPLITS}")
    earlier_sentences: set[tuple[str, ...]] = set()
    files = {}
    for part in parts:
        for split in SPLITS:
            drawn = islice(_new_sentences(_Writer(part, split, seed), earlier_sentences), sentences[split])
            files[part.file(split)] = "".join(_in_columns(sentence, part.columns) for sentence in drawn)
    return files


def _parts(corpus: str) -> tuple[Part, ...]:
    if corpus not in PARTS:
        raise ConfigError(f"there is no demo corpus {corpus!r}; choose one of {', '.join(CORPORA)}")
    return PARTS[corpus]


def _new_sentences(writer: "_Writer", earlier_sentences: set[tuple[str, ...]]) -> Iterator[list[Token]]:
    while True:
        sentence = writer.sentence()
        words = tuple(token.word for token in sentence)
        if SHORTEST <= len(sentence) <= LONGEST and words not in earlier_sentences:
            earlier_sentences.add(words)
            yield sentence


def _in_columns(sentence: list[Token], columns: tuple[str, ...]) -> str:
    return "".join(" ".join(getattr(token, column) for column in columns) + "\n" for token in sentence) + "\n"


def _parse(grammar: str) -> dict[str, list[list[str]]]:
    """Symbol to its productions, each repeated by its weight."""
    rules: dict[str, list[list[str]]] = {}
    productions: list[list[str]] = []
    for line in filter(None, grammar.splitlines()):
        if not line.startswith(" "):
            productions = rules.setdefault(line, [])
        else:
            weight, *items = line.split()
            productions += [items] * int(weight)
    return rules


RULES = _parse(SENTENCES + PHRASES)


class _Writer:
    """Expands symbols of the grammar into the tokens of one sentence after another."""

    def __init__(self, part: Part, split: str, seed: int):
        self.part, self.split = part, split
        digest = hashlib.sha256(f"{seed} {part.file(split)}".encode()).digest()
        # Only the method random() of a generator gives the same numbers in every version of Python.
        self.random = Random(int.from_bytes(digest, "big")).random

    def sentence(self) -> list[Token]:
        self.tokens: list[Token] = []
        self.chunk = self.entity = "O"
        self.capital = False
        self.topic = self.pick(self.part.topics)
        self.expand(self.topic)
        return self.tokens

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def expand(self, symbol: str, argument: str = "") -> None:
        for item in self.pick(self.of_topic(RULES, symbol)):
            if len(self.tokens) > LONGEST:
                return
            if not item.endswith("?") or self.random() < OPTIONAL_SHARE:
                self.write(item.removesuffix("?").replace("%", argument))

    def write(self, item: str) -> None:
        """Write one item of a production (for the notation see the comment above the grammar)."""
        if item == "^":
            self.capital = True
        elif item[0] in "[]":
            self.chunk = f"B-{item[1:]}" if item != "]" else "O"
        elif item[0] in "<>":
            self.entity = f"B-{item[1:]}" if item != ">" else "O"
        elif "/" in item:
            words, _, tag = item.rpartition("/")
            self.emit(self.pick(words.split("|")), tag)
        elif ":" in item:
            names, tags = item.split(":")
            tag = self.pick(tags.split("|"))
            self.emit(inflect(self.word(self.pick(names.split("|"))), tag), tag)
        elif item.isupper():
            start = len(self.tokens)
            self.expand(item.lower())
            self.tokens[start:] = [token._replace(word=token.word.upper()) for token in self.tokens[start:]]
        else:
            symbols, _, argument = item.rstrip(")").partition("(")
            self.expand(self.pick(symbols.split("|")), argument)

    def word(self, name: str) -> str:
        """A word of a list, or for some names an invented one that only files of this split have."""
        if name in ENDINGS and self.random() < INVENTED_SHARE:
            while True:
                invented = invent(name, self.pick)
                if zlib.crc32(invented.encode()) % len(SPLITS) == SPLITS.index(self.split):
                    return invented
        words = self.of_topic(WORDS, name)
        # Taking the smaller of two draws makes the first words of a list, or of its shifted part, frequent.
        rank = min(self.random(), self.random()) + self.part.shift
        word = words[int(rank * len(words)) % len(words)]
        return "".join(self.pick("123456789") if character == "#" else character for character in word)

    def emit(self, word: str, pos: str) -> None:
        if self.capital:
            word, self.capital = word[0].upper() + word[1:], False
        if self.tokens and self.tokens[-1].word in ("a", "A") and word[0] in "aeioAEIO8":
            self.tokens[-1] = self.tokens[-1]._replace(word=self.tokens[-1].word + "n")
        self.tokens.append(Token(word, pos, self.chunk, self.entity))
        self.chunk, self.entity = self.chunk.replace("B-", "I-"), self.entity.replace("B-", "I-")

    def of_topic(self, table: Mapping[str, T], name: str) -> T:
        return table.get(f"{name}.{self.topic}") or table[name]
