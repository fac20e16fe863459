"""The server described: `/openapi.json` for programs, `/docs` for people, offline both."""
