"""Tags and filters of the web room."""
