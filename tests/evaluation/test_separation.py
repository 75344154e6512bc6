"""The separation command on mixes whose sources are known."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from tests.audio.tiny_demucs import save_bag, save_safetensors, tiny_model

from drumline.audio.decode import SEPARATION_RATE_HZ
from drumline.cli import main
from drumline.metrics.separation import si_sdr_db


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_scores_of_each_source_and_what_the_mix_has_already(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    drums, rest = 0.1 * random.standard_normal((2, 2 * SEPARATION_RATE_HZ))
    for name, samples in (("mix", drums + 0.5 * rest), ("drums", drums)):
        soundfile.write(tmp_path / f"song.{name}.flac", np.stack([samples, samples], axis=1), SEPARATION_RATE_HZ)
    save_safetensors(tiny_model(seed=0), tmp_path, "tiny")
    save_bag(tmp_path, "htdemucs", ["tiny"])
    config = tmp_path / "config.yaml"
    config.write_text(
        f"songs: [{{mixes: {tmp_path}/*.mix.flac, ending: .mix.flac, sources: {{drums: .drums.flac}}}}]\n"
        f"separation: {{backend: demucs, weights: {tmp_path}}}\n"
    )
    result = CliRunner().invoke(main, ["evaluate-separation", str(config), "-o", str(tmp_path / "scores.json")])
    assert result.exit_code == 0, result.output
    (row,) = json.loads((tmp_path / "scores.json").read_text())
    assert (row["song"], row["source"]) == ("song", "drums")
    assert row["mix_si_sdr_db"] == pytest.approx(si_sdr_db(drums, drums + 0.5 * rest), abs=0.01)
    assert row["gain_db"] == pytest.approx(row["si_sdr_db"] - row["mix_si_sdr_db"])
    (tmp_path / "song.drums.flac").unlink()
    refused = CliRunner().invoke(main, ["evaluate-separation", str(config)])
    assert refused.exit_code == 2
    assert "should hold the drums of song.mix.flac" in refused.output
