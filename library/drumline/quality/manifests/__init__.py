"""Event manifests: merging, hi-hat openness and sampling weights. Each command reads and writes JSON lines."""
