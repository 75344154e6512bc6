"""Confident false alarms, mined for training."""
