"""The edge: hot paths, live events, media and static files as bare ASGI, and every other path to Django."""
