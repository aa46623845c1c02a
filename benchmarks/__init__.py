"""Experiments that were run once; their results are committed in resnext_lib/evidence."""
