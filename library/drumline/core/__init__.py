"""The words everything else is written in: hits, classes, time, configuration, artefacts, errors."""
