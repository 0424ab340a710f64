"""The door of staff: signing in, the second factor, and the own account's sessions."""
