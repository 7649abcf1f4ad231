from __future__ import annotations

import hashlib
import socket
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

from slipway_launcher import s3_direct
from slipway_launcher.s3_direct import DirectStore, serves
from slipway_launcher.spec import StoreAddress
from slipway_launcher.store_fault import StoreFault

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
URI = "s3://bucket/folder/a name+1.txt"


def refuse_early(server: socket.socket) -> None:
    """Answers one request before it was read, and reads no more, as servers do that refuse it."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1 << 16)
        body = b"<Error><Code>AccessDenied</Code></Error>"
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        connection.shutdown(socket.SHUT_WR)


class Service(BaseHTTPRequestHandler):
    """Keeps objects in memory; the next answers can be scripted."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    script: list[str]
    seen: list[tuple[str, str]]
    connections: set[object]

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def _scripted(self) -> bool:
        self.seen.append((self.command, self.path))
        self.connections.add(self.client_address)
        match self.script.pop(0) if self.script else "pass":
            case "hang up":
                self.close_connection = True
            case "busy":
                self._refuse(503, "SlowDown")
            case "deny":
                self._refuse(403, "AccessDenied")
            case "half":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"half")
                self.close_connection = True
            case "chunked":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")
            case "old":
                self.wfile.write(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nall there is")
                self.close_connection = True
            case "moved":
                self._answer(301, b"", location=f"https://elsewhere.example{self.path}", x_amz_bucket_region="eu-west-1")
            case _:
                return False
        return True

    def do_GET(self) -> None:
        if self._scripted():
            return
        found = self.objects.get(self.path)
        if found is None:
            self._refuse(404, "NoSuchKey")
        else:
            self._answer(200, found)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._scripted():
            return
        if hashlib.sha256(body).hexdigest() != self.headers["x-amz-content-sha256"]:
            self._refuse(400, "XAmzContentSHA256Mismatch")
        elif self.headers["If-None-Match"] == "*" and self.path in self.objects:
            self._refuse(412, "PreconditionFailed")
        else:
            self.objects[self.path] = body
            self._answer(200)

    def do_DELETE(self) -> None:
        if not self._scripted():
            self.objects.pop(self.path, None)
            self._answer(204)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Direct(unittest.TestCase):
    def setUp(self) -> None:
        Service.objects, Service.script, Service.seen, Service.connections = {}, [], [], set()
        server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        patched = mock.patch.dict("os.environ", KEYS)
        patched.start()
        self.addCleanup(patched.stop)
        self.store = DirectStore(StoreAddress(f"http://127.0.0.1:{server.server_port}", "us-east-1"))

    def read(self, uri: str = URI) -> bytes:
        return b"".join(self.store.chunks(uri))

    def test_writes_reads_and_deletes_over_one_connection(self) -> None:
        self.store.put_bytes(URI, b"weights")
        self.assertEqual(self.read(), b"weights")
        self.store.delete(URI)
        with self.assertRaises(KeyError):
            self.read()
        self.assertEqual({path for _, path in Service.seen}, {"/bucket/folder/a%20name%2B1.txt"})
        self.assertEqual(len(Service.connections), 1)

    def test_what_is_there_stays_and_the_second_writer_is_told(self) -> None:
        self.assertTrue(self.store.put_new(URI, b"first"))
        self.assertFalse(self.store.put_new(URI, b"second"))
        self.assertEqual(self.read(), b"first")

    def test_a_large_file_is_left_to_the_sdk_which_is_loaded_once(self) -> None:
        with mock.patch.object(s3_direct, "SINGLE_LIMIT", 4), mock.patch.object(s3_direct, "SdkStore") as sdk, tempfile.TemporaryFile() as source:
            source.write(b"weights")
            source.flush()
            self.store.expect(4)
            sdk.assert_not_called()
            for _ in range(2):
                self.store.expect(7)
                self.store.put(URI, source)
            sdk.assert_called_once()
            self.assertEqual(sdk.return_value.put.call_count, 2)
        self.assertEqual(Service.seen, [])

    def test_a_lost_connection_and_a_short_trouble_are_tried_once_more(self) -> None:
        for trouble in ("hang up", "busy"):
            Service.script = [trouble]
            self.store.put_bytes(URI, trouble.encode())
            self.assertEqual(self.read(), trouble.encode())
        Service.script = ["busy", "busy"]
        with self.assertRaises(StoreFault) as told:
            self.store.put_bytes(URI, b"")
        self.assertEqual((told.exception.transient, told.exception.code), (True, "SlowDown"))

    def test_a_large_write_that_is_refused_before_it_was_read_says_why(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=refuse_early, args=(server,), daemon=True).start()
            store = DirectStore(StoreAddress(f"http://127.0.0.1:{server.getsockname()[1]}", "us-east-1"))
            with self.assertRaises(StoreFault) as told:
                store.put_bytes(URI, b"x" * (8 << 20))
        self.assertEqual((told.exception.transient, told.exception.code), (False, "AccessDenied"))

    def test_a_conditional_write_whose_answer_was_lost_is_not_sent_twice(self) -> None:
        Service.script = ["hang up"]
        with self.assertRaises(StoreFault):
            self.store.put_new(URI, b"mine")
        self.assertEqual(len(Service.seen), 1)

    def test_a_refusal_is_final_and_named(self) -> None:
        Service.script = ["deny"]
        with self.assertRaises(StoreFault) as told:
            self.store.put_bytes(URI, b"")
        self.assertEqual((told.exception.transient, told.exception.code), (False, "AccessDenied"))
        self.assertNotIn(KEYS["AWS_SECRET_ACCESS_KEY"], str(told.exception))

    def test_an_answer_that_ends_too_soon_is_a_fault(self) -> None:
        Service.script = ["half"]
        with self.assertRaises(StoreFault):
            self.read()
        self.store.put_bytes(URI, b"whole")
        self.assertEqual(self.read(), b"whole")

    def test_a_chunked_answer_is_read_whole(self) -> None:
        Service.script = ["chunked"]
        self.assertEqual(self.read(), b"abcdefg")

    def test_answers_of_an_older_protocol_are_taken_over_a_connection_each(self) -> None:
        Service.script = ["old", "old"]
        self.assertEqual(self.read(), b"all there is")
        self.store.put_bytes(URI, b"weights")
        self.store.put_bytes(URI, b"weights")
        self.assertEqual(self.read(), b"weights")
        self.assertEqual(len(Service.connections), 3)

    def test_a_store_that_points_elsewhere_is_left_to_the_sdk_from_then_on(self) -> None:
        with mock.patch.object(s3_direct, "SdkStore") as sdk:
            sdk.return_value.chunks.return_value = iter([b"weights"])
            Service.script = ["moved"]
            self.store.put_bytes(URI, b"weights")
            sdk.return_value.put_bytes.assert_called_once_with(URI, b"weights")
            self.assertEqual(self.read(), b"weights")
            self.assertIs(self.store.put_new(URI, b""), sdk.return_value.put_new.return_value)
            self.store.delete(URI)
            sdk.return_value.delete.assert_called_once_with(URI)
            sdk.assert_called_once()
        self.assertEqual(len(Service.seen), 1)

    def test_a_bucket_of_another_region_is_found_there(self) -> None:
        Service.script = ["moved", "moved", "pass"]
        self.store.put_bytes(URI, b"weights")
        self.assertEqual(Service.objects["/bucket/folder/a%20name%2B1.txt"], b"weights")

    def test_signatures_are_those_of_the_sdk(self) -> None:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        target = "/bucket/folder/a%20name%2B1.txt"
        signed = self.store._signed("PUT", target, b"weights", {"if-none-match": "*"})
        given = {name: value for name, value in signed.items() if name not in ("authorization", "host")}
        request = AWSRequest("PUT", f"http://{signed['host']}{target}", given, b"weights")
        request.context["timestamp"] = signed["x-amz-date"]
        signer = S3SigV4Auth(Credentials(*KEYS.values()), "s3", "us-east-1")
        canonical = signer.canonical_request(request)
        signature = signer.signature(signer.string_to_sign(request, canonical), request)
        self.assertTrue(signed["authorization"].endswith(f"Signature={signature}"), canonical)


class Choice(unittest.TestCase):
    def test_only_plain_hosts_with_keys_are_spoken_to_directly(self) -> None:
        def asked(endpoint: str | None, **environment: str) -> bool:
            with mock.patch.dict("os.environ", environment, clear=True):
                return serves(StoreAddress(endpoint, "us-east-1"))

        self.assertTrue(asked("http://127.0.0.1:8333", **KEYS))
        self.assertTrue(asked("http://minio.storage:9000", **KEYS))
        self.assertFalse(asked("http://minio.storage:9000", **KEYS, http_proxy="http://proxy:3128"))
        self.assertFalse(asked("http://127.0.0.1:8333"))
        self.assertFalse(asked("https://s3.example.com", **KEYS))
        self.assertFalse(asked(None, **KEYS))
