"""What a user inspects besides the stages: data before a run, the progress of a run, its files afterwards."""
