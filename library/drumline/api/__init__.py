"""The Python API: what `drumline.transcribe`, `load_model`, `read_chart` and `Dataset` are made of."""
