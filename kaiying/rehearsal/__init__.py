"""Simulated learners over the real actions; plays the demo cohort in."""
