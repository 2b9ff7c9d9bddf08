"""What a user looks at besides the stages: own data before a run, a run while it works, its files afterwards."""
