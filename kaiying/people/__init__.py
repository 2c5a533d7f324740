"""People, the organizers they work for, their roles, and signing in."""
