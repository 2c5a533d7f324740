"""Reads of this room: a person's orders, a cohort's takings, and the check that no money is stranded."""

from kaiying.orders.queries.checking import Balance, balance_of, verify_money
from kaiying.orders.queries.reading import Listed, Sales, live_order, my_orders, orders_of, sales

__all__ = [
    "Balance",
    "Listed",
    "Sales",
    "balance_of",
    "live_order",
    "my_orders",
    "orders_of",
    "sales",
    "verify_money",
]
