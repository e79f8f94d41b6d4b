"""The product's version, as `GET /v1/health/` and the callback's User-Agent tell it; equal to pyproject.toml's."""

VERSION = "0.1.0"
