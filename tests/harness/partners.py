"""Small partners for tests of the harness: scripts that a test writes down and loopsim starts.

Each is the same little integration with one way to go wrong; `source` gives the text. It acknowledges webhooks, reads
the return that a delivered label is about, and has Loop process it.
"""

from __future__ import annotations

import sys
from pathlib import Path

SOURCE = """
import json, os, queue, sys, threading, time, urllib.request, urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BASE, KEY = os.environ["LOOP_API_BASE"], os.environ["LOOP_API_KEY"]
jobs, open_jobs, state, done = queue.Queue(), [0], {{}}, set()
print("starting with", sorted(name for name in os.environ if name.startswith("LOOP")), flush=True)
{at_start}

def call(method, path, key=KEY, base=BASE, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {{"X-Authorization": key, "Content-Type": "application/json"}}
    try:
        with urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return None

def work(payload, path):
    if payload.get("topic") != "label":
        return
    return_id = payload["id"]
    delivered = payload.get("label_status") == "delivered"
    state[str(return_id)] = "received" if delivered else "expected"
    if not delivered or return_id in done:
        return
    done.add(return_id)
    {on_delivered}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        self.answer(200, {{"ok": True, "idle": open_jobs[0] == 0, "returns": state, "pid": os.getpid()}})
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        {on_post}
        payload = json.loads(body)
        open_jobs[0] += 1
        jobs.put((payload, self.path))
        self.answer(200, {{}})
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

def loop():
    while True:
        payload, path = jobs.get()
        try:
            work(payload, path)
        finally:
            open_jobs[0] -= 1

threading.Thread(target=loop, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.daemon_threads = True
server.serve_forever()
"""

PROCESS = 'call("POST", f"/warehouse/return/{return_id}/process"); state[str(return_id)] = "processing"'


def write(folder: Path, *, at_start: str = "", on_delivered: str = PROCESS, on_post: str = "") -> str:
    """Write a partner down; the command that starts it."""
    text = SOURCE.format(at_start=at_start or "pass", on_delivered=on_delivered, on_post=on_post or "pass")
    path = folder / "partner.py"
    path.write_text(text, "utf-8")
    return f"exec {sys.executable} -u {path}"
