"""Spectra from audio: the same numbers in the build, in training and in the ONNX path."""
