"""What is kept of exports, on SQLite and PostgreSQL alike."""
