"""What server processes tell each other: ``collab.Bus`` over Redis or PostgreSQL."""
