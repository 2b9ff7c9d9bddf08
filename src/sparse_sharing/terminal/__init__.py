"""What people see on a terminal: colours, progress, explanations of shortages."""
