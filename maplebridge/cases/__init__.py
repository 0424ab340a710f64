"""The engine: kinds, moves, events, permissions and deadlines of a case."""
