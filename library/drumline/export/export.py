"""A checkpoint to a package: graphs, their parity, thresholds, a card; ``package.json`` last, if all is well."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2
import onnx

from drumline import __version__
from drumline.core.artifacts import read_bytes, refuse_foreign_output, sha256_file, write_bytes
from drumline.core.config import canonical_json, parse_config
from drumline.core.errors import ConfigError, DrumlineError
from drumline.decoding.calibration import read_calibration, write_calibration
from drumline.decoding.infer import weights_file
from drumline.decoding.infer_onnx import OnnxNetwork
from drumline.decoding.model_package import (
    CARD,
    GRAPHS,
    NAME,
    THRESHOLDS,
    WEIGHTS,
    Package,
    Parity,
    Precision,
    withdraw,
)
from drumline.decoding.presets import load_preset
from drumline.export.config import ExportConfig
from drumline.export.graph import graph_of, with_half_weights
from drumline.export.parity import beyond, compare
from drumline.export.quantise import quantised
from drumline.features.logmel import LogMelConfig, log_mel
from drumline.features.logmel_torch import LogMel
from drumline.model.branches import PREDICTED
from drumline.model.config import ModelConfig
from drumline.model.network import HierarchicalDrumCRNN
from drumline.training import checkpoints
from drumline.training.config import ValidationConfig
from drumline.training.validation import Recording, recordings

_SCORES: Final = ("f5_50", "f8_50", "f12_50", "f12_30", "pr_auc")
"""Validation scores that the card shows."""
_REPORT: Final = "parity.json"


@dataclass(frozen=True)
class Exported:
    """A finished package."""

    folder: Path
    package: Package


def export(config: ExportConfig) -> Exported:
    """Make the package.

    Raises ConfigError before any work; DrumlineError where a graph differs by more than its limits: then the folder
    holds the graphs and ``parity.json``, but is no package.
    """
    refuse_foreign_output(config.output, writes=(*GRAPHS.values(), WEIGHTS, CARD, THRESHOLDS), evidence=(NAME, _REPORT))
    preset = load_preset(config.preset)
    thresholds = read_calibration(config.thresholds) if config.thresholds else None
    uri = checkpoints.best_of(config.checkpoint)
    found = checkpoints.load(uri)
    # Of the training's configuration only what a model is: its other keys may be those of another version.
    tree = json.loads(found.config)
    model = parse_config(ModelConfig, tree["model"], location=f"{uri}: model")
    features = parse_config(LogMelConfig, tree["features"], location=f"{uri}: features")
    dev = _recordings(config.dataset, config.parity_split, config.parity_recordings, config.parity_seconds)
    network = HierarchicalDrumCRNN(model)
    network.load_state_dict(dict(found.weights))
    network.eval()

    folder = Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    withdraw(folder)
    files = _write_graphs(network, features, config, folder)
    graphs = {
        precision: OnnxNetwork(file, features=features, classes=PREDICTED, margin_s=config.margin_s, threads=1)
        for precision, file in files.items()
    }
    parity = compare(network, LogMel(features), graphs, dev, preset)
    report = {precision: comparison.model_dump(mode="json") for precision, comparison in parity.items()}
    write_bytes(str(folder / _REPORT), (json.dumps(report, indent=1) + "\n").encode())
    if faults := beyond(parity, config.limits):
        raise DrumlineError(f"{folder}: not exported, beyond the limits: {'; '.join(faults)}")

    write_bytes(str(folder / WEIGHTS), weights_file(network))
    if thresholds is not None:
        write_calibration(thresholds, str(folder / THRESHOLDS))
    facts = {
        "checkpoint": uri.rsplit("/", 1)[-1],
        "trained as": tree["name"],
        "network": model.preset,
        "epochs": found.position.epoch,
        "recipe and dataset": found.run,
        "dataset": found.dataset,
    }
    package = Package(
        name=config.name,
        version=config.version,
        drumline=__version__,
        classes=PREDICTED,
        features=features,
        network=model,
        margin_s=config.margin_s,
        preset=config.preset,
        micro=config.micro,
        files={},
        parity={str(precision): comparison for precision, comparison in parity.items()},
        facts=facts,
    )
    scores: dict[str, float] = {name: found.metrics[name] for name in _SCORES if name in found.metrics}
    write_bytes(str(folder / CARD), _card(package, config, files, parity, scores, len(dev)).encode())
    names = [*(file.name for file in files.values()), WEIGHTS, CARD, *([THRESHOLDS] if thresholds is not None else [])]
    package = package.model_copy(update={"files": {name: sha256_file(folder / name) for name in sorted(names)}})
    write_bytes(str(folder / NAME), (canonical_json(package, indent=1) + "\n").encode())
    return Exported(folder, package)


def _write_graphs(
    network: HierarchicalDrumCRNN, features: LogMelConfig, config: ExportConfig, folder: Path
) -> dict[Precision, Path]:
    plain = graph_of(network)
    files: dict[Precision, Path] = {}
    for precision in config.precisions:
        graph = plain
        if precision == "float16":
            graph = with_half_weights(plain)
        elif precision == "int8":
            windows = _recordings(
                config.dataset, config.calibration_split, config.calibration_recordings, config.calibration_seconds
            )
            graph = quantised(plain, (log_mel(window.samples, features) for window in windows))
        files[precision] = folder / GRAPHS[precision]
        onnx.save(graph, str(files[precision]))
    return files


def _recordings(dataset: str, split: str, number: int, seconds: float) -> list[Recording]:
    """Recordings of a split, cut. Raises ConfigError if it has none."""
    chosen = ValidationConfig(split=split, max_recordings=number, max_seconds=seconds)
    if not (found := list(recordings(dataset, chosen))):
        raise ConfigError(f"{dataset}: no recordings in its split {split!r}")
    return found


def _card(
    package: Package,
    config: ExportConfig,
    files: Mapping[Precision, Path],
    parity: Mapping[Precision, Parity],
    scores: Mapping[str, float],
    num_recordings: int,
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("drumline.export"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    rows: list[dict[str, Any]] = [
        {"precision": name, "file": file.name, "megabytes": file.stat().st_size / 1e6, "parity": parity[name]}
        for name, file in files.items()
    ]
    return environment.get_template("card.md.j2").render(
        package=package,
        config=config,
        about=read_bytes(config.about).decode().strip() if config.about else "",
        thresholds=bool(config.thresholds),
        scores=scores,
        graphs=rows,
        recordings=num_recordings,
    )
