"""The door of the linkage centres: the live board and the wall."""
