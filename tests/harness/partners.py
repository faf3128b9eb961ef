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
{at_end}
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.daemon_threads = True
server.serve_forever()
"""

PROCESS = 'call("POST", f"/warehouse/return/{return_id}/process"); state[str(return_id)] = "processing"'


POLLS = """
from datetime import datetime, timedelta, timezone

def look():
    now, day = datetime.now(timezone.utc), timedelta(days=1)
    window = "&".join(f"{n}={t:%Y-%m-%dT%H:%M:%SZ}" for n, t in (("from", now - 20 * day), ("to", now + day / 2)))
    for row in call("GET", f"/warehouse/return/list?{window}") or []:
        state[row["id"]] = row["state"]
        if row["label_status"] == "delivered" and row["id"] not in done:
            done.add(row["id"])
            call("POST", f"/warehouse/return/{row['id']}/process")

def poll():
    while True:
        look()
        time.sleep(0.02)

threading.Thread(target=poll, daemon=True).start()
"""
"""For `at_end`: a partner that polls by the wall's clock."""


def write(folder: Path, *, at_start: str = "", on_delivered: str = PROCESS, on_post: str = "", at_end: str = "") -> str:
    """Write a partner down; the command that starts it."""
    text = SOURCE.format(
        at_start=at_start or "pass", on_delivered=on_delivered, on_post=on_post or "pass", at_end=at_end
    )
    path = folder / "partner.py"
    path.write_text(text, "utf-8")
    return f"exec {sys.executable} -u {path}"
