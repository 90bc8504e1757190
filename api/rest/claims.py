"""Claimed links, held against the graph."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response

from api.published import answers
from api.responses import compressed, to_json
from api.rest.refusals import BAD_INPUT, NO_SNAPSHOT
from api.schemas.claims import Claims, VerifiedClaims
from mathgloss.answers.claims import Claim

blueprint: Final = APIBlueprint("claims", __name__, url_prefix="/api/v1", tag="Links")


@blueprint.post("/links/verify")
@blueprint.input(Claims, location="json", arg_name="batch")
@blueprint.output(VerifiedClaims, description="A verdict for each claim, in the order given")
@blueprint.doc(responses={400: BAD_INPUT, 503: NO_SNAPSHOT})
def verify_links(batch: Claims) -> Response:
    """Whether terms mean concepts as claimed: confirmed, contradicted or unknown, and why."""
    claims = [Claim(claim.term, claim.concept) for claim in batch.claims]
    verified = to_json(answers().verify_links(claims))
    return compressed(Response(verified, mimetype="application/json"))
