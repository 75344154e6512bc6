"""Public material to render and train with: what there is, how to get it, whether a folder holds it."""
