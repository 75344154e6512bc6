"""Hypothesis without a clock: on a busy machine any example may be slow, which says nothing about the code."""

from hypothesis import settings

settings.register_profile("without_a_clock", deadline=None)
settings.load_profile("without_a_clock")
