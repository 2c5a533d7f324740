"""Beyond one process and beyond one machine: ``python -m bench.scale [CASE …]``."""
