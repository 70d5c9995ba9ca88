import json
import logging

import pytest
from django.urls import resolve

from config.logging import JsonFormatter, PlainFormatter, current_request, path_without_secrets


def test_request_id_is_made_up_and_returned(client):
    first, second = (client.get("/healthz?live")["X-Request-ID"] for _ in range(2))
    assert len(first) == 16
    assert first != second


def test_request_id_is_taken_from_the_proxy_when_it_is_sane(client):
    assert (
        client.get("/healthz?live", headers={"X-Request-ID": "edge-1234.abc"})["X-Request-ID"]
        == "edge-1234.abc"
    )


@pytest.mark.parametrize("odd", ["short", "x" * 65, "with space here", "<script>alert"])
def test_request_id_is_replaced_when_it_is_odd(client, odd):
    assert client.get("/healthz?live", headers={"X-Request-ID": odd})["X-Request-ID"] != odd


def test_request_writes_one_line_without_its_query(client, caplog):
    with caplog.at_level(logging.INFO, "config.requests"):
        client.get("/media/nothing.jpg?secret=1")
    (record,) = [record for record in caplog.records if record.name == "config.requests"]
    assert (record.method, record.path, record.status) == ("GET", "/media/nothing.jpg", 404)
    assert "secret" not in JsonFormatter().format(record)


def test_request_line_keeps_a_reset_key_out(rf):
    request = rf.get("/accounts/password/reset/key/1f-abc-123/")
    request.resolver_match = resolve(request.path)
    assert path_without_secrets(request) == "/accounts/password/reset/key/***-***/"


def record(message="something happened", **extra):
    return logging.makeLogRecord({"name": "config", "levelname": "INFO", "msg": message, **extra})


def test_json_formatter_writes_one_line_with_ids_and_traceback():
    token = current_request.set("request-1")
    try:
        try:
            raise ValueError("odd")
        except ValueError as error:
            line = JsonFormatter().format(record(reference="SESSION-1", exc_info=(ValueError, error, None)))
    finally:
        current_request.reset(token)
    assert "\n" not in line
    event = json.loads(line)
    assert (event["event"], event["reference"], event["request_id"]) == (
        "something happened",
        "SESSION-1",
        "request-1",
    )
    assert "ValueError: odd" in event["exception"]


def test_json_formatter_leaves_the_request_object_out():
    assert "request" not in json.loads(JsonFormatter().format(record(request=object(), status_code=500)))


def test_plain_formatter_is_short():
    assert (
        PlainFormatter().format(record(status=200)).endswith("info    config: something happened status=200")
    )
