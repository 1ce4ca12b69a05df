"""The commands of the first README, as thin translations."""
