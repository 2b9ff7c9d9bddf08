"""Serves a tagger over HTTP: an ASGI application with JSON input and output.

`POST /tag` takes `{"text": ...}`, which is split into sentences, `{"texts": [...]}`, or `{"sentences": [[...], ...]}`,
each a list of tokens; optional keys are `tasks` and `probabilities`. `GET /health` lists the tasks of the model.
"""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sparse_sharing import __version__
from sparse_sharing.errors import ConfigError
from sparse_sharing.tagging.base import BaseTagger
from sparse_sharing.tagging.sentences import TaggedSentence
from sparse_sharing.tagging.writing import as_json

KEYS = ("text", "texts", "sentences")
OPTIONS = ("tasks", "probabilities")


@dataclass(frozen=True)
class Limits:
    """Limits of requests.

    Attributes:
        megabytes: the largest body of a request.
        seconds: the longest time for an answer, including waiting.
        waiting: the most pending requests; more are refused.
    """

    megabytes: float = 1.0
    seconds: float = 30.0
    waiting: int = 64


class _RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TagService:
    """Answers requests with one tagger, one at a time, in a separate thread: the tagger fully uses a processor core.

    Attributes:
        waiting: requests whose work is not done.
    """

    def __init__(self, tagger: BaseTagger, limits: Limits) -> None:
        """Serve a tagger."""
        self.tagger, self.limits, self.waiting = tagger, limits, 0
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="tagger")

    async def health(self, request: Request) -> JSONResponse:
        """The status of the service, and the tasks of the model."""
        return JSONResponse({"status": "ok", "version": __version__, "tasks": self.tagger.tasks})

    async def tag(self, request: Request) -> JSONResponse:
        """The answer to a tagging request."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                return JSONResponse(await self._answer(_parse(await self._body(request))))
        except TimeoutError:
            return _error(503, f"no answer within {self.limits.seconds:g} seconds; send less text at a time")
        except _RefusedError as refused:
            return _error(refused.status, str(refused))

    async def _body(self, request: Request) -> bytes:
        """The body of a request, read up to the limit."""
        most = int(self.limits.megabytes * 1e6)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise _RefusedError(413, f"the body has more than {most:,} bytes; send less text at a time")
        return bytes(body)

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.waiting >= self.limits.waiting:
            raise _RefusedError(503, f"{self.waiting} requests are waiting; try again later")
        self.waiting += 1
        work = self.thread.submit(self._tagged, asked)
        loop = asyncio.get_running_loop()
        # Work that has begun cannot be stopped: it counts as waiting until it ends, even if the client has left.
        work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        return await asyncio.wrap_future(work)

    def _done(self) -> None:
        self.waiting -= 1

    def _tagged(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer, computed in the separate thread."""
        options = {"tasks": asked.get("tasks"), "probabilities": asked.get("probabilities", False)}
        try:
            if "sentences" in asked:
                return {"sentences": _as_json(self.tagger.tag(asked["sentences"], **options))}
            if "texts" in asked:
                documents = [self.tagger.document(text, **options) for text in asked["texts"]]
                return {"documents": [{"sentences": _as_json(document)} for document in documents]}
            return {"sentences": _as_json(self.tagger.document(asked["text"], **options))}
        except (ConfigError, ValueError, TypeError) as error:
            raise _RefusedError(422, str(error)) from error


def make_app(tagger: BaseTagger, limits: Limits | None = None) -> Starlette:
    """The ASGI application of a tagger."""
    service = TagService(tagger, limits or Limits())
    return Starlette(
        routes=[Route("/health", service.health, methods=["GET"]), Route("/tag", service.tag, methods=["POST"])]
    )


def _parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a request, checked for its form."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _RefusedError(400, f"the body is not valid JSON ({error})") from error
    if not isinstance(asked, dict) or sum(key in asked for key in KEYS) != 1:
        raise _RefusedError(422, f"expected a JSON object with exactly one of {', '.join(KEYS)}")
    if unknown := sorted(set(asked) - {*KEYS, *OPTIONS}):
        raise _RefusedError(422, f"unknown key '{unknown[0]}'; expected {', '.join((*KEYS, *OPTIONS))}")
    _require(isinstance(asked.get("text", ""), str), "text: expected a string")
    _require(_are_strings(asked.get("texts", [])), "texts: expected a list of strings")
    sentences = asked.get("sentences", [])
    _require(isinstance(sentences, list) and all(map(_are_strings, sentences)), "sentences: expected lists of tokens")
    _require(asked.get("tasks") is None or _are_strings(asked["tasks"]), "tasks: expected a list of names")
    _require(isinstance(asked.get("probabilities", False), bool), "probabilities: expected true or false")
    return asked


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise _RefusedError(422, message)


def _are_strings(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _as_json(sentences: Sequence[TaggedSentence]) -> list[dict[str, Any]]:
    return [as_json(sentence) for sentence in sentences]


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
