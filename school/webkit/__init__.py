"""The web floor: request context, error replies, security headers, the base page, styles and scripts. Knows no feature."""
