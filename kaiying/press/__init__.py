"""Launch pages: articles that sell a camp."""
