"""The parts of a Learner that a configuration names: model, loaders, optimizer, and who does the five steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import nn

from miniai import models, optimizers
from miniai.callbacks.base import Callback
from miniai.callbacks.precision import MixedPrecision
from miniai.callbacks.train import TrainCB
from miniai.callbacks.transform import BatchTransformCB
from miniai.catalog import ImageData
from miniai.config import RunConfig
from miniai.datasets import DataLoaders
from miniai.loader import MemoryLoader
from miniai.recipe import Recipe

__all__ = ["Parts", "assemble", "augmenting", "steps"]


class Parts(NamedTuple):
    """What a Learner is made of."""

    model: nn.Module
    dls: DataLoaders
    opt_func: Callable[..., Any]


def assemble(config: RunConfig, how: Recipe, data: ImageData, device: torch.device) -> Parts:
    """The parts on `device`: torch's and our fast ones, or with `from_scratch` those that are written by hand."""
    if config.from_scratch:
        from miniai.scratch import SGD, image_loader, mlp

        by_hand = cast("nn.Module", mlp(data.shape, len(data.classes)).to(device))
        train = image_loader(data.train_x, data.train_y, how.bs, shuffle=True)  # the batches go to the device
        return Parts(by_hand, DataLoaders(train, image_loader(data.valid_x, data.valid_y, 2 * how.bs)), SGD)
    model = models.build(config.model, data.shape, len(data.classes)).to(device)
    train_x, train_y, valid_x, valid_y = (
        t.to(device) for t in (data.train_x, data.train_y, data.valid_x, data.valid_y)
    )
    loaders = MemoryLoader(train_x, train_y, how.bs, shuffle=True), MemoryLoader(valid_x, valid_y, 2 * how.bs)
    return Parts(model, DataLoaders(*loaders), optimizers.get(how.opt))


def steps(config: RunConfig) -> TrainCB:
    """Who does the five steps: in single or in mixed precision."""
    return MixedPrecision() if config.amp else TrainCB()


def augmenting(config: RunConfig, data: ImageData) -> list[Callback]:
    """What changes the training images at random, if that is asked for.

    It is a part of the training and draws from torch's generator, on the images' device: with the same seed the
    same images, watched or not. Validation sees every image as it is.
    """
    if not config.augment:
        return []
    from miniai.augment import standard

    change = standard(*data.shape[1:])

    def changed(batch: tuple[Any, ...]) -> tuple[Any, ...]:
        images, *others = batch
        return (change(images), *others)

    return [BatchTransformCB(changed, on_val=False)]
