"""Words this room's templates need."""
