"""A payment service of our own that behaves like the real ones: its page, its signed callbacks, its faults."""
