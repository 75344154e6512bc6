"""Hits to frame targets and masks, branch by branch."""
