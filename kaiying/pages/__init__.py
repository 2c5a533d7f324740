"""What spans rooms: Today, the course, the operator's desk, time travel."""
