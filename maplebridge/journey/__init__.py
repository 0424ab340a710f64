"""The nine steps a report takes: intake to learn."""
