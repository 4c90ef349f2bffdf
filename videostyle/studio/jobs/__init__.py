"""Renders, trainings and evaluations: a queue on disk, and a process for each, one at a time."""
