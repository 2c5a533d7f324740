"""The camp as its author wrote it, and the cohorts that run it; camps as code."""
