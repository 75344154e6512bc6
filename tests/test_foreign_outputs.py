"""Commands refuse, before any work, to replace files that drumline did not write."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.quality.files import run

from drumline.core.errors import ConfigError
from drumline.dataset.sources import RootConfig
from drumline.evaluation.calibrate import CalibrationConfig, calibrate
from drumline.evaluation.conditions import ConditionConfig, ConditionsConfig, judge_conditions
from drumline.evaluation.config import EvaluationConfig, SystemConfig
from drumline.evaluation.evaluate import evaluate
from drumline.evaluation.predict import PredictConfig, predict
from drumline.evaluation.references import ReferenceConfig

NOWHERE = "/nowhere/at/all"
TRUTH = ReferenceConfig(name="t", roots=(RootConfig(uri=NOWHERE),))
SYSTEM = SystemConfig(name="s", predictions=NOWHERE)
CONDITION = ConditionConfig(name="c", recordings=(NOWHERE,), truth=TRUTH)


def run_calibrate(output: str) -> object:
    return calibrate(CalibrationConfig(truth=TRUTH, system=SYSTEM, output=f"{output}/report.json"))


def run_conditions(output: str) -> object:
    return judge_conditions(ConditionsConfig(name="c", conditions=(CONDITION,), output=output), print, system="s")


def run_evaluate(output: str) -> object:
    return evaluate(EvaluationConfig(name="e", truths=(TRUTH,), systems=(SYSTEM,), output=output))


def run_predict(output: str) -> object:
    return predict(PredictConfig(checkpoint=NOWHERE, dataset=NOWHERE, output=output))


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("report.json", run_calibrate),
        ("report.json", run_conditions),
        ("report.json", run_evaluate),
        ("predictions", run_predict),
    ],
)
def test_a_file_of_a_person_is_not_replaced(file: str, command: Callable[[str], object], tmp_path: Path) -> None:
    (tmp_path / file).write_text('{"mine": 1}')
    with pytest.raises(ConfigError, match=f"holds {file}, which drumline did not write"):
        command(str(tmp_path))
    assert (tmp_path / file).read_text() == '{"mine": 1}'


def test_a_check_does_not_replace_the_report_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    result = run("check", "health", f"events={NOWHERE}", f"output={tmp_path}")
    assert (result.exit_code, "holds report.html" in result.output) == (2, True)
    assert (tmp_path / "report.html").read_text() == "mine"
