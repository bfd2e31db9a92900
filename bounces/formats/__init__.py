"""One small module for each layout of notice; found by walking this folder.

A format has `claims(message) -> bool` (cheap, exact, true only for this software) and `decode(message) -> Iterator[Attempt]`.
"""
