"""From a checkpoint to the files that are released: graphs, thresholds, a card; and the proof that they agree."""
