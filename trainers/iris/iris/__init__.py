"""Tells three species of iris apart by four measurements: the smallest complete trainer."""
