"""Checks of datasets and predictions: tables and files in, gate verdicts and a report out."""
