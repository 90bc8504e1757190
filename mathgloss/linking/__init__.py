"""From names to concepts: aligning the terms of sources, finding mentions in text."""

__all__: list[str] = []
