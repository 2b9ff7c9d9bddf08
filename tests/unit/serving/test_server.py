"""The service over HTTP: real requests to a real server, answers as in Python, and limits that hold."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import threading
import time

import numpy as np
import pytest
from tiny import vocabulary_of

from sparse_sharing.tagging.base import BaseTagger
from sparse_sharing.tagging.writing import as_json

uvicorn = pytest.importorskip("uvicorn")
server = pytest.importorskip("sparse_sharing.serving.server")

WAIT = 60


class WordLengths(BaseTagger):
    """A tagger whose tags depend on the length of words only; it can be made slow."""

    delay = 0.0

    def __init__(self):
        super().__init__(("ner", "pos"), vocabulary_of(), None, False)

    def predict_surfaces(self, surfaces, offsets, tasks, batch_size):
        time.sleep(self.delay)
        lengths = (self.surfaces.characters[surfaces] != 0).sum(1)
        shares = np.full(len(surfaces), 0.5, np.float32)
        return {task: (lengths % len(self.vocabulary.tasks[task].tags), shares) for task in tasks}


@contextlib.contextmanager
def running(tagger, **limits):
    """The port of a server of a tagger, which runs in a thread."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    app = server.make_app(tagger, server.Limits(**limits))
    own = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
    thread = threading.Thread(target=own.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        own.should_exit = True
        thread.join(WAIT)
        listening.close()


def ask(port, body, path="/tag", method="POST"):
    """The status and the JSON of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    try:
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def tagger():
    return WordLengths()


@pytest.fixture(scope="module")
def port(tagger):
    with running(tagger, megabytes=0.01, waiting=1000) as port:
        yield port


def test_health_names_the_tasks(port):
    status, answer = ask(port, None, "/health", "GET")
    assert (status, answer["status"], answer["tasks"]) == (200, "ok", ["ner", "pos"])


def test_answers_are_those_of_python(port, tagger):
    text = "Bob left. Ann Lee didn't."
    document = [as_json(sentence) for sentence in tagger.document(text)]
    assert ask(port, {"text": text}) == (200, {"sentences": document})
    assert ask(port, {"texts": [text, ""]}) == (200, {"documents": [{"sentences": document}, {"sentences": []}]})
    tokens = [["Bob", "left"], []]
    expected = [as_json(sentence) for sentence in tagger.tag(tokens, ["pos"], probabilities=True)]
    assert ask(port, {"sentences": tokens, "tasks": ["pos"], "probabilities": True}) == (200, {"sentences": expected})


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "the body is not valid JSON"),
        (b"[" * 9000, 400, "the body is not valid JSON"),
        ([], 422, "exactly one of text, texts, sentences"),
        ({}, 422, "exactly one of text, texts, sentences"),
        ({"text": "a", "texts": []}, 422, "exactly one of"),
        ({"text": 1}, 422, "text: expected a string"),
        ({"texts": "a"}, 422, "texts: expected a list of strings"),
        ({"sentences": ["Bob left"]}, 422, "sentences: expected lists of tokens"),
        ({"sentences": [["Bob", ""]]}, 422, "sentence 0, token 1 (counted from 0) is empty"),
        ({"text": "a", "tasks": ["srl"]}, 422, "the model has no task 'srl'"),
        ({"text": "a", "probabilities": 1}, 422, "probabilities: expected true or false"),
        ({"text": "a", "model": "/etc"}, 422, "unknown key 'model'"),
        ({"text": "a" * 20_000}, 413, "the body has more than 10,000 bytes"),
    ],
)
def test_a_wrong_request_gets_its_reason(port, body, status, message):
    found, answer = ask(port, body)
    assert found == status
    assert message in answer["error"]


def test_other_paths_and_methods_are_refused(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    for method, path, status in (("GET", "/tag", 405), ("GET", "/etc/passwd", 404), ("POST", "/health", 405)):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status


def test_under_load_every_request_gets_its_own_answer(port, tagger):
    texts = [f"Bob{'b' * (number % 7)} left {number}." for number in range(200)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda text: ask(port, {"text": text}), texts))
    assert answers == [
        (200, {"sentences": [as_json(sentence) for sentence in tagger.document(text)]}) for text in texts
    ]


def test_an_answer_that_takes_too_long_is_abandoned_and_the_service_continues():
    tagger = WordLengths()
    with running(tagger, seconds=0.3) as port:
        tagger.delay = 1.5
        start = time.monotonic()
        status, answer = ask(port, {"text": "Bob left."})
        assert (status, "no answer within 0.3 seconds" in answer["error"]) == (503, True)
        assert time.monotonic() - start < 1.4
        tagger.delay = 0
        time.sleep(2)
        assert ask(port, {"text": "Bob left."})[0] == 200


def test_more_requests_than_may_wait_are_refused_at_once():
    tagger = WordLengths()
    tagger.delay = 0.5
    with running(tagger, waiting=2) as port, concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: ask(port, {"text": "Bob"}), range(6)))
        assert sorted({status for status, _ in answers}) == [200, 503]
        assert ask(port, {"text": "Bob"})[0] == 200
