"""Where exports may go: whose tokens we hold, how they stay good, and what calls in from there."""
