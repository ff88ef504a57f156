"""Security headers: a strict content policy with a nonce a request, no framing, no sniffing."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g

from school.webkit.context import school


def nonce() -> str:
    """The nonce of this request's inline scripts."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    value: str = g.nonce
    return value


def install(app: Flask) -> None:
    app.jinja_env.globals["csp_nonce"] = nonce

    @app.after_request
    def _headers(response: Response) -> Response:
        response.headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'self'; script-src 'self' 'nonce-{nonce()}'; style-src 'self'; img-src 'self' data: blob:; "
            "media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; font-src 'self'; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)")
        # who uses the machine next must not page back into it
        response.headers.setdefault("Cache-Control", "private, no-cache")
        if school().settings.production:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response
