"""Comments on a brief's text: threads with replies, and who is told of them."""
