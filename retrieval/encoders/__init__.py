"""Encoders: text to dense or sparse vectors. Each is imported only when a setting names it."""
