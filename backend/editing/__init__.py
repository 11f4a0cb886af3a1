"""The WebSocket door to the rooms."""
