"""Stage `demo`: write the embedded demo corpora as column files."""

from pathlib import Path

from sparse_sharing.pipeline.specs import DemoSpec
from sparse_sharing.storage.artifacts import write_text
from sparse_sharing.text.demo.corpora import CORPORA, generate


def run(spec: DemoSpec, output: Path) -> None:
    """Generate all demo corpora into {output}/{corpus}/."""
    size = spec.size
    for corpus in CORPORA:
        sentences = {"train": size.train, "dev": size.dev, "test": size.test}
        for name, text in generate(corpus, sentences, size.seed).items():
            write_text(output / corpus / name, text)
