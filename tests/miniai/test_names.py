"""Every public name of the Learner's modules is where readers of the course look for it, as a callback or function."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

NAMES = {
    "miniai.learner": "CancelFitException CancelBatchException CancelEpochException Callback run_cbs SingleBatchCB "
    "to_cpu MetricsCB DeviceCB TrainCB ProgressCB with_cbs Learner TrainLearner MomentumLearner LRFinderCB "
    "CompletionCB",
    "miniai.sgd": "BaseSchedCB BatchSchedCB EpochSchedCB HasLearnCB RecorderCB",
    "miniai.accel": "MixedPrecision AccelerateCB",
    "miniai.callbacks": "BatchTransformCB CapturePreds",
    "miniai.training": "accuracy report Dataset fit get_dls",
    "miniai.datasets": "inplace collate_dict show_image subplots get_grid show_images DataLoaders",
    "miniai.conv": "def_device conv to_device collate_device",
    "miniai.activations": "set_seed Hook Hooks HooksCallback append_stats get_hist get_min ActivationStats",
    "miniai.init": "clean_ipython_hist clean_tb clean_mem BatchTransformCB GeneralRelu plot_func init_weights "
    "lsuv_init conv get_model",
    "miniai.resnet": "act_gr ResBlock",
    "miniai.augment": "summary show_image_batch capture_preds CapturePreds rand_erase RandErase rand_copy RandCopy",
}
SIGNATURES = {
    "miniai.learner.Learner.lr_find": ["gamma=1.3", "max_mult=3", "start_lr=1e-05", "max_epochs=10"],
    "miniai.learner.LRFinderCB": ["gamma=1.3", "max_mult=3"],
    "miniai.learner.ProgressCB": ["plot=False"],
    "miniai.sgd.BaseSchedCB": ["sched"],
    "miniai.sgd.RecorderCB": ["d"],
    "miniai.accel.AccelerateCB": ["n_inp=1", "mixed_precision='fp16'"],
    "miniai.callbacks.BatchTransformCB": ["tfm", "on_train=True", "on_val=True"],
    "miniai.learner.Learner.fit": ["n_epochs=1", "train=True", "valid=True", "cbs=None", "lr=None"],
    "miniai.learner.Learner.show_image_batch": ["max_n=9", "cbs=None", "kw"],
    "miniai.learner.Learner.capture_preds": ["cbs=None", "inps=False"],
    "miniai.training.fit": ["epochs", "model", "loss_func", "opt", "train_dl", "valid_dl"],
    "miniai.training.get_dls": ["train_ds", "valid_ds", "bs", "kwargs"],
    "miniai.datasets.show_image": ["im", "ax=None", "figsize=None", "title=None", "noframe=True"],
    "miniai.datasets.subplots": ["nrows=1", "ncols=1", "figsize=None", "imsize=3", "suptitle=None"],
    "miniai.datasets.get_grid": ["n", "nrows=None", "ncols=None", "title=None", "weight='bold'", "size=14"],
    "miniai.datasets.show_images": ["ims", "nrows=None", "ncols=None", "titles=None"],
    "miniai.datasets.DataLoaders.from_dd": ["dd", "batch_size", "as_tuple=True", "kw"],
    "miniai.conv.conv": ["ni", "nf", "ks=3", "stride=2", "act=True"],
    "miniai.activations.Hook": ["m", "f"],
    "miniai.activations.Hooks": ["ms", "f"],
    "miniai.init.GeneralRelu": ["leak=None", "sub=None", "maxv=None"],
    "miniai.init.plot_func": ["f", "start=-5.0", "end=5.0", "steps=100"],
    "miniai.init.init_weights": ["m", "leaky=0.0"],
    "miniai.init.lsuv_init": ["model", "m", "m_in", "xb"],
    "miniai.resnet.ResBlock": ["ni", "nf", "stride=1", "ks=3"],
    "miniai.augment.rand_erase": ["x", "pct=0.2", "max_num=4"],
    "miniai.augment.rand_copy": ["x", "pct=0.2", "max_num=4"],
}


@pytest.mark.parametrize("module", NAMES)
def test_star_gives_every_name(module: str) -> None:
    given: dict[str, object] = {}
    exec(f"from {module} import *", given)
    assert set(NAMES[module].split()) <= set(given)
    exported = importlib.import_module(module).__all__
    assert list(exported) == sorted(exported)


@pytest.mark.parametrize("path", SIGNATURES)
def test_arguments_in_their_order(path: str) -> None:
    parts = path.split(".")
    module = next(".".join(parts[:n]) for n in (2, 1) if ".".join(parts[:n]) in NAMES)
    thing = importlib.import_module(module)
    for part in parts[module.count(".") + 1 :]:
        thing = getattr(thing, part)
    parameters = [p for p in inspect.signature(thing).parameters.values() if p.name != "self"]  # type: ignore[arg-type]
    shown = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]
    assert shown[: len(SIGNATURES[path])] == SIGNATURES[path]


def test_what_is_optional_is_not_imported() -> None:
    """Only torch and numpy: a bar, a plot, a metric of torcheval bring their libraries when they are asked for."""
    code = (
        "import sys, miniai.learner, miniai.sgd, miniai.accel\n"
        "print(*{'matplotlib', 'fastprogress', 'accelerate', 'torcheval', 'datasets', 'IPython'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert run.stdout.split() == []
