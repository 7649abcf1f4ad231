"""Serves one version of one model in one process, by the Open Inference Protocol."""
