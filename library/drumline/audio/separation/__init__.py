"""Drums out of a full mix: one protocol, two backends of Demucs, weights found before the job, stems kept."""
