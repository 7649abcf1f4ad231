"""Runs one training or evaluation command under the job contract of SageMaker script mode.

Started as ``python -m slipway_launcher SPEC.json``; see ``job.py`` for the story of a job.
"""
