# The two commands: `make demo` and `make test`. Both set up everything they need in .venv.
# `make TORCH=cuda ...` installs the CUDA build of torch instead of the CPU build.

PYTHON ?= python3
TORCH ?= cpu
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(TORCH)
CONSTRAINED := -c configs/constraints.txt
DEMO := out/demo

# An index that offers small CPU wheels; where it cannot be reached pip goes on without it.
TORCH_INDEX_cpu := --extra-index-url https://download.pytorch.org/whl/cpu --retries 0
TORCH_INDEX_cuda :=
EXTRAS_cpu := dev,separation
EXTRAS_cuda := dev,separation,gpu

.PHONY: setup demo train-demo sweep-demo model test operations lint docs bench chaos lock clean

setup: $(READY)

$(READY): pyproject.toml configs/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "drumline needs Python 3.11 or later; $(PYTHON) is older: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(CONSTRAINED) $(TORCH_INDEX_$(TORCH)) torch
	$(BIN)/pip install --quiet $(CONSTRAINED) --editable '.[$(EXTRAS_$(TORCH))]'
	@# Its PyAudio dependency is for loudspeakers and does not build everywhere; without it only SoundFonts are missing.
	-$(BIN)/pip install --quiet --no-deps $(CONSTRAINED) tinysoundfont
	@rm -f $(VENV)/.ready-* && touch $@

demo: $(READY)
	$(BIN)/drumline demo-library $(DEMO)/library
	$(BIN)/drumline build-dataset configs/build_dataset/demo.yaml
	$(BIN)/drumline verify $(DEMO)/dataset

train-demo: $(READY)
	$(BIN)/drumline render-corpus configs/render_corpus/demo.yaml
	$(BIN)/drumline build-dataset configs/build_dataset/rendered_demo.yaml
	$(BIN)/drumline train configs/train_model/demo.yaml

sweep-demo: $(READY)
	$(BIN)/drumline render-corpus configs/render_corpus/demo.yaml
	$(BIN)/drumline build-dataset configs/build_dataset/rendered_demo.yaml
	$(BIN)/drumline tune configs/tune_model/demo.yaml

# The released model, from nothing: hours on two cores. Needs ../shared/corpus (or edit the configurations: `drumline
# corpora` fetches Groove and kits) and Debian's fluid-soundfont-gm, musescore-general-soundfont, timgm6mb-soundfont,
# hydrogen-drumkits, sonic-pi-samples, mma and flite.
RENDER := $(BIN)/drumline render-corpus configs/render_corpus
BARE := percussion.probability=0.3 vary.left_out=0.9 'vary.without=[hi-hats,cymbals]'
# As records are: somebody sings, guitars go through amplifiers, rooms are gated, and the mix is mastered.
RECORD := percussion.probability=0.3 vary.left_out=0.4 'vary.without=[hi-hats]' accompaniment.singer.probability=0.8 \
	accompaniment.amps=0.6 production.room.gate_probability=0.2 'production.mix.drums_to_backing_db=[-12,8]' \
	production.mix.limiter_probability=0.7 'production.mix.limit_db=[1,12]' production.mix.master.eq.probability=0.6 \
	production.mix.master.saturation.probability=0.5 production.mix.master.codec.probability=0.4
# And on kits and with percussion of other seeds.
MORE_KITS := $(RECORD) percussion.drawn=0.6 'kits.35={uri: modal\#24, count: 36}'
# And with bands whose instruments nobody built.
INSTRUMENTS := $(RECORD) percussion.drawn=0.6 accompaniment.drawn=0.6 'kits.35={uri: modal\#60, count: 60}'

model: $(READY)
	$(RENDER)/model.yaml
	$(RENDER)/model.yaml output=out/rendered/model_percussion hours=4 seed=9 percussion.probability=1
	$(RENDER)/model.yaml output=out/rendered/model_bare hours=4 seed=10 $(BARE)
	$(RENDER)/model.yaml output=out/rendered/model_record hours=9 seed=12 $(RECORD)
	$(RENDER)/model_validation.yaml
	$(RENDER)/model_validation.yaml output=out/rendered/model_validation_bare hours=0.5 seed=11 $(BARE)
	$(RENDER)/model_validation.yaml output=out/rendered/model_validation_record hours=0.7 seed=13 $(RECORD)
	$(BIN)/drumline build-dataset configs/build_dataset/model.yaml
	$(BIN)/drumline train configs/train_model/model.yaml
	$(BIN)/drumline train configs/train_model/model_fine.yaml
	$(BIN)/drumline build-dataset configs/build_dataset/model_record.yaml
	$(BIN)/drumline train configs/train_model/model_record.yaml
	$(RENDER)/model.yaml output=out/rendered/model_more_record hours=7 seed=14 $(RECORD)
	$(RENDER)/model.yaml output=out/rendered/model_more_bare hours=1.5 seed=15 $(BARE)
	$(RENDER)/model.yaml output=out/rendered/model_more_percussion hours=1.5 seed=16 percussion.probability=1
	$(BIN)/drumline build-dataset configs/build_dataset/model_more.yaml
	$(BIN)/drumline train configs/train_model/model_more.yaml
	$(RENDER)/model_kits.yaml $(RECORD)
	$(BIN)/drumline build-dataset configs/build_dataset/model_kits.yaml
	$(BIN)/drumline train configs/train_model/model_kits.yaml
	$(RENDER)/model_kits.yaml $(MORE_KITS) output=out/rendered/model_more_kits hours=16 seed=31
	$(RENDER)/model_kits.yaml $(MORE_KITS) output=out/rendered/model_kits_percussion hours=4 seed=32 percussion.probability=1
	$(BIN)/drumline build-dataset configs/build_dataset/model_more_kits.yaml
	$(BIN)/drumline train configs/train_model/model_more_kits.yaml
	$(RENDER)/model_kits.yaml $(INSTRUMENTS) output=out/rendered/model_instruments hours=8 seed=41
	$(BIN)/drumline build-dataset configs/build_dataset/model_instruments.yaml
	$(BIN)/drumline train configs/train_model/model_instruments.yaml
	$(BIN)/drumline predict configs/predict/validation.yaml
	$(BIN)/drumline calibrate configs/calibrate_model/validation.yaml
	$(BIN)/drumline export-model configs/export_model/model.yaml

# Two files at a time: most tests of Ray wait more than they compute.
test: $(READY) lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 12

# docs/operations.md from top to bottom, on a cluster of this machine: some five minutes.
operations: $(READY)
	$(BIN)/pytest -m operations -s tests/operations

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python -m tests.docs.formats

bench: $(READY)
	$(BIN)/python -m tests.bench

# Fifty minutes: real clusters of which something is killed, filled, cut or slowed (docs/faults.md).
chaos: $(READY)
	$(BIN)/python -m tests.chaos

lock: $(READY)
	{ sed -n '/^#/p' configs/constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//'; } > $(VENV)/lock
	mv $(VENV)/lock configs/constraints.txt

clean:
	rm -rf $(VENV) out build
