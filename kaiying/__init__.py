"""Kaiying sells out, runs and grows cohort-based training camps."""
