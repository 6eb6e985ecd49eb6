#!/usr/bin/env python3
"""A server with two planted faults, against which `drawbridge bench serve` must fail.

It answers OpenAI's chat completions with a word every few milliseconds, but buffers the answer and sends all of its
chunks at the end, and its usage claims half as many tokens again as it sent.

    python3 benchmarks/load/faulty_server.py --port 8000
"""
import argparse
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "faulty"
CLAIMED_PER_SENT = 1.5


def chunk(**members):
    body = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": NAME, **members}
    return f"data: {json.dumps(body)}\n\n"


def choice(delta, reason=None):
    return [{"index": 0, "delta": delta, "finish_reason": reason}]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seconds_per_token = 0.0

    def do_GET(self):
        if self.path != "/v1/models":
            return self.send_error(404)
        models = {"object": "list", "data": [{"id": NAME, "object": "model", "created": 0, "owned_by": NAME}]}
        return self.send("application/json", json.dumps(models))

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            return self.send_error(404)
        prompt = sum(len(message["content"].split()) for message in request["messages"])
        tokens = request.get("max_completion_tokens") or request["max_tokens"]
        usage = {"prompt_tokens": prompt, "completion_tokens": int(tokens * CLAIMED_PER_SENT)}
        usage["total_tokens"] = sum(usage.values())
        if not request.get("stream"):
            message = {"role": "assistant", "content": " word" * tokens}
            whole = [{"index": 0, "message": message, "finish_reason": "length"}]
            return self.send("application/json", json.dumps({"choices": whole, "usage": usage}))
        time.sleep(tokens * self.seconds_per_token)
        words = [chunk(choices=choice({"content": " word"})) for _ in range(tokens)]
        end = [chunk(choices=choice({}, "length")), chunk(choices=[], usage=usage), "data: [DONE]\n\n"]
        return self.send("text/event-stream", "".join(words + end))

    def send(self, content_type, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--ms-per-token", type=float, default=5)
    options = parser.parse_args()
    Handler.seconds_per_token = options.ms_per_token / 1000
    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
