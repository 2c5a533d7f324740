"""The only place that picks adapters: SQLite or PostgreSQL, local or broker, file or S3."""
