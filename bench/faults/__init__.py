"""Faults on purpose: the product under kill -9, lost answers, sick disks, a lost database, jumping clocks, power cuts."""
