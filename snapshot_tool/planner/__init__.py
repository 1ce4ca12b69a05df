"""From what is wanted and what was observed to a plan: pure functions, no calls."""
