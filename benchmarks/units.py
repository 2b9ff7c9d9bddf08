"""Speed of compact networks: dense beside half of the units, and three tasks of a third of the units each.

`python -m benchmarks.units`: everything is measured in one run, taking turns; CPU time of one thread, medians.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.data import generated_text, generated_vocabulary
from sparse_sharing.config.encoders.bilstm import BiLstm
from sparse_sharing.masks.mask import Mask
from sparse_sharing.masks.ranking import prune_smallest
from sparse_sharing.network.compact import compact_network
from sparse_sharing.network.network import Network
from sparse_sharing.tagging.encoding import Surfaces
from sparse_sharing.tagging.onnx_export import weights_of
from sparse_sharing.tagging.onnx_graph import build_graph
from sparse_sharing.tagging.onnx_tagger import OnnxTagger
from sparse_sharing.tagging.running import SharedRunner
from sparse_sharing.tagging.tagger import Tagger
from sparse_sharing.training.initial import initialise
