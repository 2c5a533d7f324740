"""Enrollment, unlock, progress, notes and submissions."""
