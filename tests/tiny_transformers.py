"""Tiny pretrained encoders for tests: folders as `transformers` saves them, with random weights and real tokenizers."""

import json

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = [
    "the lively sailor sees a quiet harbour near the northern sea",
    "Anna Berg visited the Museum of Modern Art in New York on Monday",
    "they don't sell 12,000 unbelievable well-known tickets to outsiders",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def word_piece():
    """A tokenizer as of BERT, uncased."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=150, special_tokens=SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_pairs():
    """A tokenizer as of RoBERTa."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=ROBERTA_SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def unigram(special=ROBERTA_SPECIAL):
    """A tokenizer as of XLM-R and DeBERTa-v3; special tokens are entries of its vocabulary, as in SentencePiece."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    unknown = next(name for name in special if "unk" in name.lower())
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token=unknown)
    tokenizer.train_from_iterator(TEXT, trainer)
    first, last = (special[0], special[2]) if special is ROBERTA_SPECIAL else ("[CLS]", "[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (first, last)],
    )
    return tokenizer


TOKENIZERS = {"word pieces": word_piece, "byte pairs": byte_pairs, "unigram": unigram}


def description(tokenizer):
    """The content of `tokenizer.json`."""
    return json.dumps(json.loads(tokenizer.to_str()))


def bert(**changes):
    values = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    return values | {"max_position_embeddings": 40} | changes


FAMILIES = {
    "bert": ("bert", word_piece, bert()),
    "roberta": (
        "roberta",
        byte_pairs,
        bert(max_position_embeddings=42, pad_token_id=1, bos_token_id=0, eos_token_id=2, type_vocab_size=1),
    ),
    "xlm-roberta": (
        "xlm-roberta",
        unigram,
        bert(max_position_embeddings=42, pad_token_id=1, bos_token_id=0, eos_token_id=2, type_vocab_size=1),
    ),
    "electra": ("electra", word_piece, bert(embedding_size=12)),
    "deberta-v2": (
        "deberta-v2",
        lambda: unigram(SPECIAL),
        bert(
            relative_attention=True,
            position_buckets=8,
            pos_att_type=["p2c", "c2p"],
            share_att_key=True,
            norm_rel_ebd="layer_norm",
            position_biased_input=False,
            type_vocab_size=0,
            pad_token_id=0,
        ),
    ),
    "modernbert": (
        "modernbert",
        byte_pairs,
        bert(pad_token_id=1, bos_token_id=0, eos_token_id=2, cls_token_id=0, sep_token_id=2, local_attention=8),
    ),
}


def section(folder, **keys):
    """The section of an encoder in a folder, completed from it."""
    from sparse_sharing.config.encoders.base import encoder_section
    from sparse_sharing.encoders.base import complete

    return complete(encoder_section({"encoder": "transformer", "pretrained": str(folder), **keys}), folder)


def sections(factory, **keys):
    """For each family the section of a tiny random model, which is saved in a temporary folder."""
    return {family: section(save(factory.mktemp(family), family), **keys) for family in FAMILIES}


def save(folder, family="bert", seed=0, with_head=False, **changes):
    """Save a tiny random model of a family with its tokenizer, as `transformers` does; returns the folder.

    `changes` are values of its config.json.
    """
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

    kind, make, values = FAMILIES[family]
    tokenizer = make()
    configuration = AutoConfig.for_model(kind, vocab_size=tokenizer.get_vocab_size(), **values | changes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = (AutoModelForMaskedLM if with_head else AutoModel).from_config(configuration)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def trace_once(monkeypatch):
    """Let the exporter of torch, which takes seconds, run only once for each architecture."""
    from sparse_sharing.tagging import onnx_transformer

    bodies, trace = {}, onnx_transformer.trace

    def traced(model, units, width):
        key = json.dumps([model.architecture, units, width])
        if key not in bodies:
            bodies[key] = trace(model, units, width)
        return bodies[key]

    monkeypatch.setattr(onnx_transformer, "trace", traced)


def export_onnx(network, folder, masks=None, base=None, texts=None, int8=False):
    """Write the ONNX files of a network into a folder, as `export` does."""
    from sparse_sharing.network.storage import TrainedModel
    from sparse_sharing.pipeline.specs import ExportSpec
    from sparse_sharing.storage.artifacts import content_digest, save_json
    from sparse_sharing.tagging import onnx_export

    vocabulary, tasks = network.vocabulary, list(network.vocabulary.tasks)
    stored = vocabulary.to_json()
    details = {
        "tasks": tasks,
        "model": network.model.model_dump(),
        "data": {"vectors": None},
        "vocabulary": content_digest({}, stored),
    }
    values = {name: value.detach().numpy() for name, value in network.values().items()}
    model = TrainedModel(values, masks or {}, details, {}, "", {}, base or {})
    spec = ExportSpec(model="", task=",".join(tasks))
    onnx_export.run(model, network, spec, folder, texts or {}, int8)
    save_json(folder / "vocabulary.json", "vocabulary", spec, stored)
    return model
