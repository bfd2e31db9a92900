"""Reads bounce messages and says, per recipient, what failed, why, and what to do."""
