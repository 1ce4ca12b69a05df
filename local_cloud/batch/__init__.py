"""Batch: jobs that really run, as subprocesses."""
