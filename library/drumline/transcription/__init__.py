"""From audio to drums: results, tempo, quantisation, exports, and a transcriber without a model."""
