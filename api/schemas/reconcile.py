"""Requests and answers of the Reconciliation Service API, versions 0.2 and 1.0-draft.

Written from the statements of the specifications (https://reconciliation-api.github.io/specs/).
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, RootModel, model_validator

from mathgloss.answers.matching import MAX_MATCHES

MAX_QUERIES = 1_000
MAX_NAME_CHARS = 1_000
MAX_CONDITIONS = 20
MAX_VALUES = 20
MAX_TYPES = 20
MAX_IDS = 200
MAX_PROPERTIES = 20

Text = Annotated[str, Field(max_length=MAX_NAME_CHARS)]
Identifier = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
Limit = Annotated[int, Field(ge=1, le=MAX_MATCHES, description="Number of candidates at most")]
Language = Annotated[
    str,
    Field(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", description="BCP 47 tag"),
]
Direction: TypeAlias = Literal["ltr", "rtl", "auto"]


class Request(BaseModel):
    """Nothing but the members that the specification has."""

    model_config = ConfigDict(extra="forbid")


class EntityValue(BaseModel):
    """A value that is an entity itself, known from an earlier reconciliation."""

    id: Identifier
    name: Text | None = None
    lang: Language | None = None
    dir: Direction | None = None


Value: TypeAlias = bool | int | FiniteFloat | Text | EntityValue
Values: TypeAlias = Value | Annotated[list[Value], Field(max_length=MAX_VALUES)]


# --------------------------------------------------------------------------------- requests, 0.2


class PropertyAssignment(BaseModel):
    """A property with the values that the entity should have."""

    pid: Identifier
    v: Values


class QueryV02(Request):
    """One query of version 0.2."""

    query: Text | None = None
    type: Identifier | Annotated[list[Identifier], Field(max_length=MAX_TYPES)] | None = None
    type_strict: Literal["any", "should", "all"] = "any"
    limit: Limit | None = None
    properties: list[PropertyAssignment] = Field(default=[], max_length=MAX_CONDITIONS)

    @model_validator(mode="after")
    def _asks_something(self) -> QueryV02:
        if self.query is None and not self.properties:
            raise ValueError("expected 'query', or at least one of 'properties'")
        return self


class BatchV02(RootModel[dict[str, QueryV02]]):
    """Queries by key."""


# ----------------------------------------------------------------------------- requests, 1.0-draft


class Condition(Request):
    """What a candidate's name or property should be."""

    match_type: Literal["name", "property"] = Field(alias="matchType")
    property_id: Identifier | None = Field(None, alias="propertyId")
    property_value: Values = Field(alias="propertyValue")
    required: bool = False
    quantifier: Literal["any", "all", "none"] = Field("any", alias="matchQuantifier")
    qualifier: Text | None = Field(None, alias="matchQualifier")
    lang: Language | None = None
    dir: Direction | None = None

    @model_validator(mode="after")
    def _names_its_property(self) -> Condition:
        if self.match_type == "property" and self.property_id is None:
            raise ValueError("expected 'propertyId', because 'matchType' is 'property'")
        return self


class QueryV1(Request):
    """One query of version 1.0."""

    conditions: list[Condition] = Field(min_length=1, max_length=MAX_CONDITIONS)
    type: Identifier | None = None
    limit: Limit | None = None
    lang: Language | None = None
    dir: Direction | None = None


class BatchV1(Request):
    """Queries in order."""

    queries: list[QueryV1]


# ---------------------------------------------------------------------------- requests, extension


class PropertySettings(Request):
    """How the values of a property are wanted."""

    lang: Language | None = None


class WantedProperty(BaseModel):
    """A property to fetch."""

    id: Identifier
    settings: PropertySettings = PropertySettings()


class Extension(Request):
    """Entities and the properties to fetch of each."""

    ids: list[Identifier] = Field(max_length=MAX_IDS)
    properties: list[WantedProperty] = Field(max_length=MAX_PROPERTIES)


class Suggest(BaseModel):
    """What was typed, and which of the suggestions are wanted."""

    prefix: str = Field(description="What was typed")
    limit: int = Field(20, description="Number of suggestions at most")
    offset: int = Field(0, description="Number of suggestions to leave out")
    cursor: int = Field(0, description="The same, as version 0.2 calls it")


class Propose(BaseModel):
    """For which type properties are wanted, and how many."""

    type: str = Field("concept", max_length=MAX_NAME_CHARS)
    limit: int | None = None


class PreviewOf(BaseModel):
    """Of which entity."""

    id: str = Field(max_length=MAX_NAME_CHARS)


# --------------------------------------------------------------------------------------- answers


class Answer(BaseModel):
    """Nothing but the documented members."""

    model_config = ConfigDict(extra="forbid")


class Kind(Answer):
    """A type."""

    id: str
    name: str
    description: str | None = None
    broader: list[Kind] | None = None


class MatchingFeature(Answer):
    """A figure that speaks for or against a candidate."""

    id: str
    name: str
    value: bool | float


class Candidate(Answer):
    """An entity that the query may mean; the score is 100 times the probability that it does."""

    id: str
    name: str
    lang: str | None = None
    dir: Direction | None = None
    description: str | None = None
    type: list[Kind]
    score: float = Field(ge=0, le=100)
    match: bool
    features: list[MatchingFeature]


class ResultV02(Answer):
    """The candidates of a query, as version 0.2 calls them."""

    result: list[Candidate]


class ResultsV02(RootModel[dict[str, ResultV02]]):
    """Candidates by the key of their query."""


class ResultV1(Answer):
    """The candidates of a query."""

    candidates: list[Candidate]


class ResultsV1(Answer):
    """Candidates in the order of the queries."""

    results: list[ResultV1]


class Suggestion(Answer):
    """An entity, a property or a type."""

    id: str
    name: str
    description: str | None = None
    notable: list[Kind] | None = None
    broader: list[Kind] | None = None


class Suggestions(Answer):
    """What may have been meant, the likeliest first."""

    result: list[Suggestion]


class NamedProperty(Answer):
    """A property; of entities if it has a type."""

    id: str
    name: str
    type: Kind | None = None


class Proposals(Answer):
    """Properties to fetch."""

    properties: list[NamedProperty]
    type: str
    limit: int | None = None


class FetchedValue(Answer):
    """A text, a number or an entity."""

    text: str | None = Field(None, alias="str")
    number: int | None = Field(None, alias="int")
    lang: str | None = None
    dir: Direction | None = None
    id: str | None = None
    name: str | None = None


class FetchedProperty(Answer):
    """The values of one property."""

    id: str
    values: list[FetchedValue]


class FetchedEntity(Answer):
    """The properties of one entity."""

    id: str
    properties: list[FetchedProperty]


class Extended(Answer):
    """The values of all properties of all entities."""

    meta: list[NamedProperty]
    rows: list[FetchedEntity]


class ExtendedV02(Answer):
    """The same, as version 0.2 has it: by identifier and property."""

    meta: list[NamedProperty]
    rows: dict[str, dict[str, list[FetchedValue]]]


class AnswerV02(RootModel[ResultsV02 | ResultV02 | ExtendedV02]):
    """What version 0.2 answers: to queries, to one query, to the wish for properties."""


class Manifest(BaseModel):
    """What the service offers; the members differ between the versions."""

    versions: list[str]
    name: str
