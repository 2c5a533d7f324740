"""Class groups: posts, daily topics, check-ins and supervision."""
