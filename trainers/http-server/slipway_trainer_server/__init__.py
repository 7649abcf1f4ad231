"""A small training service: runs jobs under the launcher, and tells by HTTP how they fare.

The protocol is ``openapi.json`` beside this package; the standard library and ``slipway_launcher`` are all it needs.
"""
