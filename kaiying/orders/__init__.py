"""Money: orders, payments, refunds and the providers that move it."""
