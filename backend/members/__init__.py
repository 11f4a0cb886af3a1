"""Who is in a space, as what, and what follows when that changes."""
