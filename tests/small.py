"""The configurations of the repository in small: what they read, made up, and the smallest budget."""

from sparse_sharing.text.demo.corpora import generate

NAMES = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo"]


def document(name, number):
    """A document of two sentences of our own in the format of CoNLL-2012."""
    who = NAMES[number % len(NAMES)]
    sentences = [
        [f"{who} NNP (TOP(S(NP*) (PERSON)", "sees VBZ (VP* *", "Rome NNP (NP*)))) (GPE)"],
        ["The DT (TOP(S(NP* *", "cat NN *) *", "sleeps VBZ (VP*) *", "/. . *)) *"],
    ]
    lines = [f"#begin document ({name}); part 000"]
    for sentence in sentences:
        for index, token in enumerate(sentence):
            word, pos, parse, entity = token.split()
            lines.append(f"{name} 0 {index} {word} {pos} {parse} - - - - {entity} -")
        lines.append("")
    return "\n".join([*lines, "#end document", ""])


def write_documents(root):
    """A tree of documents, and a list of those of each split."""
    ids = {"train": [f"nw/a/00/a_{n:04}" for n in range(6)], "dev": ["bc/b/00/b_0000"], "test": ["bc/b/00/b_0001"]}
    every = [*ids["train"], *ids["dev"], *ids["test"], "pt/nt/40/nt_4001"]
    for number, name in enumerate(every):
        path = root / "ontonotes" / "english" / f"{name}.v4_gold_conll"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(name, number), encoding="utf-8")
    for split, names in ids.items():
        (root / "ontonotes" / f"{split}.ids").write_text("\n".join(names) + "\n", encoding="utf-8")


def write_columns(root, folder):
    """Column files with the four columns word, part of speech, chunk and name."""
    (root / folder).mkdir(parents=True)
    for name, text in generate("joint", {"train": 40, "dev": 10, "test": 10}, 1).items():
        (root / folder / name).write_text(text, encoding="utf-8")


def write_pairs(root, folder):
    """Files of words and parts of speech."""
    (root / folder).mkdir(parents=True)
    for name, text in generate("separate", {"train": 40, "dev": 10, "test": 10}, 1).items():
        corpus, split, _ = name.split(".")
        if corpus == "pos":
            (root / folder / f"{split}.pos").write_text(text, encoding="utf-8")


def write_vectors(path, dimension=3):
    """Word vectors of two words."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{word}{' 0.5' * dimension}\n" for word in ("the", "cat")), encoding="utf-8")


def write_data(root):
    """What the configurations read, in small."""
    write_documents(root)
    for folder in ("conll03", "conll2000", "ewt_uner"):
        write_columns(root, folder)
    write_pairs(root, "wsj_ptb")
    write_vectors(root / "glove" / "glove.6B.100d.txt")
    write_vectors(root / "glove" / "glove.6B.50d.trimmed.txt.gz")


def shrink(values):
    """A configuration with the same data, tasks and systems on the smallest budget."""
    values |= {"run": "tiny", "seeds": [1], "device": "cpu", "data_root": "data"}
    if values["model"].get("encoder") == "transformer":
        values["model"]["pretrained"] = "pretrained"
    else:
        values["model"] |= {"word_dimension": 6, "character_filters": 4, "character_dimension": 4, "hidden": 4}
    for section in ("warmup", "prune", "train"):
        values.setdefault(section, {}).update({"epochs": 1, "patience": None})
    for pruning in values.get("prunings", {}).values():
        pruning |= {"epochs": 2}
    values["train"]["epochs"] = 2
    values["prune"].pop("early_bird", None)
    values["train"]["systems"] = _few_pairs(values["train"]["systems"])
    for system in values["train"]["systems"]:
        system.pop("epochs", None)
    return values


def _few_pairs(systems):
    """Systems of which at most three of a way of sharing train two tasks only."""
    pairs = [system for system in systems if len(system.get("tasks") or ()) == 2]
    ways = {system["sharing"] for system in pairs}
    kept = [system for way in ways for system in [pair for pair in pairs if pair["sharing"] == way][:3]]
    return [system for system in systems if system not in pairs or system in kept]
