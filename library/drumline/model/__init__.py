"""The hierarchical drum transcriber: spectra in, logits a frame and their losses out."""
