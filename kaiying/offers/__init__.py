"""The seat and price ledger: offers, tiers, seats, claims and the waitlist."""
