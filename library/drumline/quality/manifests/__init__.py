"""Files of events made anew: merged, calibrated, weighed. Each command reads JSON lines and writes JSON lines."""
