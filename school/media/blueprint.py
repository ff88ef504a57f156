"""The one blueprint that the room's uploads, signed paths and status hang on. Only scripts and players read its answers."""

from typing import Any

from flask import Blueprint, request

from school.webkit import replies
from school.webkit.context import school

blueprint = Blueprint("media", __name__)

TUS_BODY = "application/offset+octet-stream"


@blueprint.url_value_preprocessor
def _prepare(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Runs before the CSRF check looks at the body."""
    replies.for_scripts()
    if endpoint == "media.patch_upload" and request.mimetype == TUS_BODY:
        request.max_content_length = school().settings.upload_limit  # it streams into parts
