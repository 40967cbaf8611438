"""The route that all others are compared with: no authentication at all."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/ping")
async def ping() -> dict[str, str]:
    """Answer."""
    return {"answer": "pong"}
