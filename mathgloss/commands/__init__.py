"""The commands of the library, one module each; a module imports what it needs when it runs."""

__all__: list[str] = []
