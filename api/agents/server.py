"""The MCP server: which tools there are, and how an answer or an error reaches an agent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp_types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import ValidationError

import mathgloss
from api.agents import concepts, experiments, graph, papers, relations, runs, shapes, texts
from api.agents.outline import outline
from api.schemas.base import Model
from mathgloss.answers.paging import Answer
from mathgloss.answers.service import Answers
from mathgloss.errors import MathGlossError

_INSTRUCTIONS: Final = """\
MathGloss is a knowledge graph of mathematical concepts, aligned across Wikidata, nLab, Mathlib, \
course notes and papers. Every answer comes from one immutable snapshot, named in `snapshot`.

- Start with search_concepts (a few words) or get_concept (a name or any identifier). Cite \
concepts by their `id`, such as wd:Q181296.
- Before you state that a term, a Lean declaration or a Wikidata item means a concept, have \
verify_links check it; do not invent identifiers.
- `match: none` and `unknown` are honest answers: nothing is known. `nearest` lists what comes \
near; do not take it for a match.
- Answers are short. `cut` says what was left out and how to get it.
"""

FindAnswers = Callable[[], Answers]


@dataclass(frozen=True, slots=True)
class AgentTool:
    """A tool: a function of the answers and of what the agent gives; its docstring is shown.

    Attributes:
        run: gives the answer, in the form of ``shape``.
        title: what people see.
        shape: model of the answer.
    """

    run: Callable[..., Answer]
    title: str
    shape: type[Model]
    is_read_only: bool = True


_READING: Final = (
    AgentTool(concepts.search_concepts, "Search concepts", shapes.FoundConcepts),
    AgentTool(concepts.get_concept, "Look up a concept", shapes.ConceptCard),
    AgentTool(concepts.verify_links, "Check claimed links", shapes.Verdicts),
    AgentTool(relations.concept_neighbours, "What is around a concept", shapes.Neighbours),
    AgentTool(relations.path_between, "How two concepts are connected", shapes.ConceptPath),
    AgentTool(relations.learn_before, "What to learn before", shapes.ReadingList),
    AgentTool(texts.link_text, "Link a text", shapes.LinkedText),
    AgentTool(papers.papers_for_concept, "Papers about a concept", shapes.ConceptPapers),
    AgentTool(papers.get_paper, "Look up a paper", shapes.ShortPaper),
    AgentTool(
        experiments.experiments_for_concept, "Experiments on a concept", shapes.ConceptExperiments
    ),
    AgentTool(experiments.get_experiment, "Look up an experiment", shapes.ExperimentCard),
    AgentTool(graph.sparql_query, "Ask in SPARQL", shapes.SparqlAnswer),
)
# an agent from somewhere waits for its turn, and may have a few runs at a time
TOOLS: Final = (
    *_READING,
    AgentTool(runs.run_experiment, "Run an experiment", shapes.RunResult, is_read_only=False),
)
# one of whoever owns the machine does not
LOCAL_TOOLS: Final = (
    *_READING,
    AgentTool(
        experiments.run_experiment, "Run an experiment", shapes.RunResult, is_read_only=False
    ),
)


class AgentServer(MCPServer[None]):
    """The SDK's server, whose errors say in one sentence what was wrong."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """The result of a tool.

        Raises:
            ToolError: the tool refuses, or there is none of that name; for the agent to read.
            UnexpectedToolError: the tool has a bug; its log says which.
        """
        runs.note_caller(context)
        known = [tool.name for tool in await self.list_tools()]
        if name not in known:
            raise ToolError(f"no tool {name[:100]!r}; there are {', '.join(known)}")
        try:
            return await super().call_tool(name, arguments, context)
        except UnexpectedToolError as error:
            message = f"{name} failed to answer; the cause is in the service's log"
            raise UnexpectedToolError(message) from error.__cause__
        except ToolError as error:
            reason = error.__cause__
            said = _explain(name, reason) if isinstance(reason, ValidationError) else str(reason)
            raise ToolError(said) from reason


def build_server(find_answers: FindAnswers, tools: Sequence[AgentTool] = TOOLS) -> AgentServer:
    """The server with these tools over the snapshot that ``find_answers`` gives at each call."""
    server = AgentServer(
        "mathgloss",
        title="MathGloss",
        version=mathgloss.__version__,
        instructions=_INSTRUCTIONS,
        website_url="https://github.com/MathGloss/MathGloss",
        log_level="WARNING",
        subscriptions=False,  # a snapshot never changes, and a stream would hold a thread
    )
    for tool in tools:
        server.add_tool(
            _callable(tool, find_answers),
            title=tool.title,
            annotations=ToolAnnotations(
                read_only_hint=tool.is_read_only,
                destructive_hint=False,
                idempotent_hint=tool.is_read_only,
                open_world_hint=False,
            ),
        )
    return server


def _callable(tool: AgentTool, find_answers: FindAnswers) -> Callable[..., CallToolResult]:
    """The tool as the SDK calls it: with the agent's arguments alone, giving text and structure."""

    def call(**arguments: Any) -> CallToolResult:
        try:
            answer = tool.run(find_answers(), **arguments)
        except MathGlossError as error:
            raise ToolError(str(error)) from error
        content = TextContent(type="text", text=outline(answer))
        return CallToolResult(content=[content], structured_content=answer)

    signature = inspect.signature(tool.run, eval_str=True)
    call.__name__ = tool.run.__name__
    call.__doc__ = inspect.getdoc(tool.run)
    call.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=list(signature.parameters.values())[1:],
        return_annotation=Annotated[CallToolResult, tool.shape],
    )
    return call


def _explain(name: str, error: ValidationError) -> str:
    """Which arguments are wrong, and what was expected of each."""
    said = (
        f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
        for problem in error.errors(include_url=False)
    )
    return f"{name}: {'; '.join(said)}"
