"""Answers on loopback, and writes down what reaches which address.

Every name has an address of its own. Encrypted connections are written down
and closed.
"""

import socket
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG = "/tmp/m/requests"


def write(line):
    with open(LOG, "a") as log:
        log.write(line + "\n")


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        kind = (self.headers.get("Content-Type") or "").split(";")[0]
        if kind == "multipart/form-data":
            # The sign between the parts is another one each time.
            body = body.split(b"\r\n", 1)[-1].rsplit(b"\r\n--", 1)[0]
        host, port = self.connection.getsockname()
        sent = [self.headers.get(name) for name in ("A", "Cookie")]
        write(f"{host} {port} {self.command} {self.path} {kind} {sent} {body!r}")
        self.send_response(200)
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"answered\n")

    do_POST = do_PUT = do_HEAD = do_GET

    def log_message(self, *_):
        pass


def close_encrypted(listener):
    while True:
        connection, _ = listener.accept()
        host, port = connection.getsockname()
        connection.recv(1)
        write(f"{host} {port}")
        connection.close()


def resolve(listener):
    while True:
        query, asker = listener.recvfrom(512)
        end = query.index(b"\0", 12) + 1
        name = query[12:end].lower()
        head = query[:2] + b"\x81\x80\0\1"
        question = query[12 : end + 4]
        if query[end : end + 2] == b"\0\1":
            address = b"\x7f" + zlib.crc32(name).to_bytes(4, "big")[1:]
            record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + address
            listener.sendto(head + b"\0\1\0\0\0\0" + question + record, asker)
        else:
            listener.sendto(head + b"\0\0\0\0\0\0" + question, asker)


web = ThreadingHTTPServer(("0.0.0.0", 80), Answer)
encrypted = socket.create_server(("0.0.0.0", 443))
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 53))
threading.Thread(target=close_encrypted, args=(encrypted,), daemon=True).start()
threading.Thread(target=resolve, args=(names,), daemon=True).start()
open("/tmp/m/ready", "w").close()
web.serve_forever()
