"""Reading and writing files: parsed records, stages of a build, SSSOM."""

__all__: list[str] = []
