"""What must happen besides the answer: events for open pages and jobs for later, both written with their cause."""
