"""What runs beneath Django: the clock, group commit, signed passes, live events, byte ranges."""
