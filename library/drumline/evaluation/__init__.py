"""Evaluation of any system's hits against ground truth: from files to scores, tables and a page."""
