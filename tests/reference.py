"""Ways of sharing in plain PyTorch, one sentence after the other and every parameter by itself: a second opinion."""

import torch
from tiny import TASKS
from torch import nn
from torch.nn import functional

SUFFIXES = {"left_to_right": "", "right_to_left": "_reverse"}


class Reference(nn.Module):
    """What all ways of sharing have in common: words, characters and linear heads, with the weights of a network."""

    def __init__(self, network):
        super().__init__()
        self.vocabulary, values = network.vocabulary, network.copy_values()
        self.words = nn.Embedding.from_pretrained(values["words.weight"], freeze=False)
        self.characters = nn.Embedding.from_pretrained(values["characters.embedding.weight"], freeze=False)
        filters, inputs, width = values["characters.convolution.weight"].shape
        self.convolution = nn.Conv1d(inputs, filters, width, padding=width // 2)
        copy_into(self.convolution, values, "characters.convolution.")
        self.width = self.words.embedding_dim + filters
        self.hidden = network.model.hidden
        self.heads = nn.ModuleDict()
        for task in TASKS:
            weight = values[f"heads.{task}.weight"]
            self.heads[task] = nn.Linear(weight.shape[1], weight.shape[0])
            copy_into(self.heads[task], values, f"heads.{task}.")

    def bilstm(self, inputs, values, prefix):
        """An ordinary bidirectional LSTM with the weights of a layer."""
        lstm = nn.LSTM(inputs, self.hidden, bidirectional=True)
        for direction, suffix in SUFFIXES.items():
            for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
                getattr(lstm, name + suffix).data = values[f"{prefix}.{direction}.{name}"].clone()
        return lstm

    def embed(self, words):
        """A sentence as float [tokens, width]."""
        known = self.vocabulary.word_ids
        vectors = self.words(torch.tensor([known[word.lower()] for word in words]))
        spelled = [self.characters(torch.tensor(self.vocabulary.spell(word))) for word in words]
        characters = [self.convolution(letters.T).amax(1) for letters in spelled]
        return torch.cat([vectors, torch.stack(characters)], dim=1)

    def scores(self, task, words):
        """The scores of a task's tags for each token of a sentence."""
        return self.heads[task](self.states(task, self.embed(words)))

    def train_on(self, steps, **settings):
        """Ordinary SGD; a parameter without a gradient in a step stays out of it, its momentum too."""
        optimizer = torch.optim.SGD(self.parameters(), **settings)
        for task, sentences in steps:
            optimizer.zero_grad(set_to_none=True)
            tags = self.vocabulary.tasks[task].tags
            gold = torch.tensor([tags.index(tag) for _, found in sentences for tag in found[task]])
            scores = torch.cat([self.scores(task, words) for words, _ in sentences])
            functional.cross_entropy(scores, gold).backward()
            optimizer.step()


class Hierarchical(Reference):
    """One stack; each task reads the layer that it is supervised at."""

    def __init__(self, network, task_layers):
        super().__init__(network)
        self.task_layers, values = task_layers, network.copy_values()
        widths = [self.width, *[2 * self.hidden] * (network.model.layers - 1)]
        self.layers = nn.ModuleList(self.bilstm(w, values, f"recurrent.{n}") for n, w in enumerate(widths))

    def states(self, task, states):
        for layer in list(self.layers)[: self.task_layers[task]]:
            states, _ = layer(states)
        return states

    def encoder_values(self):
        """The BiLSTM weights by the network's names."""
        return {name: value for n, lstm in enumerate(self.layers) for name, value in named(lstm, f"recurrent.{n}")}


class CrossStitch(Reference):
    """A stack per task; the last unit is kept row by row, since only one task reads each row."""

    def __init__(self, network):
        super().__init__(network)
        values, layers = network.copy_values(), network.model.layers
        self.layers, self.units = nn.ModuleList(), nn.ParameterList()
        for n, width in enumerate([self.width, *[2 * self.hidden] * (layers - 1)]):
            stacks = range(len(network.model.stacks))
            self.layers.append(
                nn.ModuleList(self.bilstm(width, values, f"recurrent.{n}.stacks.{stack}") for stack in stacks)
            )
            unit = values[f"recurrent.{n}.stitch"]
            if n < layers - 1:
                self.units.append(nn.Parameter(unit))
        self.rows = nn.ParameterDict({task: nn.Parameter(row) for task, row in zip(TASKS, unit.clone(), strict=True)})

    def states(self, task, states):
        every = [states] * len(self.rows)
        for n, stacks in enumerate(self.layers):
            every = [lstm(own)[0] for lstm, own in zip(stacks, every, strict=True)]
            if n < len(self.units):
                every = [mix(row, every) for row in self.units[n]]
        return mix(self.rows[task], every)

    def encoder_values(self):
        """The BiLSTM weights and units by the network's names."""
        values = {f"recurrent.{n}.stitch": unit for n, unit in enumerate(self.units)}
        values[f"recurrent.{len(self.units)}.stitch"] = torch.stack([self.rows[task] for task in TASKS])
        for n, stacks in enumerate(self.layers):
            for stack, lstm in enumerate(stacks):
                values |= dict(named(lstm, f"recurrent.{n}.stacks.{stack}"))
        return values


def mix(row, states):
    """The weighted sum of the states of all stacks."""
    return sum(share * own for share, own in zip(row, states, strict=True))


def named(lstm, prefix):
    """The weights of a bidirectional LSTM by the network's names."""
    for direction, suffix in SUFFIXES.items():
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            yield f"{prefix}.{direction}.{name}", getattr(lstm, name + suffix)


def copy_into(module, values, prefix):
    """Give a module the weight and bias of these names."""
    for name, parameter in module.named_parameters():
        parameter.data = values[prefix + name].clone()
