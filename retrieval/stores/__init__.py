"""Engines that hold what the legs search. Each is imported only when a setting names it."""
