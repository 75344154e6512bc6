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

# The released model, from the weights of the one before: about four hours on two cores. Needs ../shared/corpus (or edit the
# configurations: `drumline corpora` fetches Groove and kits) and Debian's fluid-soundfont-gm,
# musescore-general-soundfont, timgm6mb-soundfont, hydrogen-drumkits, sonic-pi-samples, mma, flite,
# fretsonfire-songs-muldjord, fretsonfire-songs-sectoid, guitarix-common, and those of configs/pseudo_label/music.yaml and
# configs/render_corpus/model_backing.yaml.
model: $(READY)
	$(BIN)/drumline pseudo-label configs/pseudo_label/metal.yaml
	$(BIN)/drumline pseudo-label configs/pseudo_label/music.yaml
	$(BIN)/drumline render-corpus configs/render_corpus/model_real.yaml
	$(BIN)/drumline render-corpus configs/render_corpus/model_guitars.yaml
	$(BIN)/drumline render-corpus configs/render_corpus/model_backing.yaml
	$(BIN)/drumline render-corpus configs/render_corpus/model_wires.yaml
	$(BIN)/drumline render-corpus configs/render_corpus/model_strums.yaml
	$(BIN)/drumline render-corpus configs/render_corpus/model_validation_rock.yaml
	$(BIN)/drumline render-corpus configs/render_corpus/model_validation.yaml
	$(BIN)/drumline build-dataset configs/build_dataset/model_real.yaml
	$(BIN)/drumline train configs/train_model/model_real.yaml
	$(BIN)/drumline average out/models/model_real/checkpoints/resume-0002-000000.pt \
		configs/train_model/drumline-small-0.8.npz --output out/models/model_real/averaged.pt
	$(BIN)/drumline predict configs/predict/validation.yaml
	$(BIN)/drumline calibrate configs/calibrate_model/validation.yaml
	$(BIN)/drumline export-model configs/export_model/model.yaml
	$(BIN)/drumline evaluate configs/evaluate_model/dev.yaml

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
