"""One module a case; each gives the rows of the table."""
