"""Classifies what a person asks of a home assistant into one of some forty intents."""
