"""Padstone beside what a user would pick instead: measured side by side, never a timed test."""
