#!/usr/bin/env python3
"""A server with two planted faults, against which `drawbridge bench serve` must fail.

It answers OpenAI's chat completions with a word every few milliseconds, but buffers the answer and sends all of its
chunks at the end, and its usage claims half as many tokens again as it sent. With --honest it does neither: the
control, and a server of known times for other load generators.

    python3 benchmarks/load/faulty_server.py --port 8000 [--honest]
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


def text_of(message):
    content = message["content"]
    return content if isinstance(content, str) else " ".join(part["text"] for part in content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seconds_per_token = 0.0
    seconds_to_first = 0.0
    honest = False

    def do_GET(self):
        if self.path == "/health":
            return self.send("text/plain", "")
        if self.path != "/v1/models":
            return self.send_error(404)
        models = {"object": "list", "data": [{"id": NAME, "object": "model", "created": 0, "owned_by": NAME}]}
        return self.send("application/json", json.dumps(models))

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            return self.send_error(404)
        prompt = sum(len(text_of(message).split()) for message in request["messages"])
        tokens = request.get("max_completion_tokens") or request["max_tokens"]
        claimed = tokens if self.honest else int(tokens * CLAIMED_PER_SENT)
        usage = {"prompt_tokens": prompt, "completion_tokens": claimed, "total_tokens": prompt + claimed}
        if request.get("stream"):
            return self.stream(tokens, usage)
        message = {"role": "assistant", "content": " word" * tokens}
        whole = [{"index": 0, "message": message, "finish_reason": "length"}]
        return self.send("application/json", json.dumps({"choices": whole, "usage": usage}))

    def stream(self, tokens, usage):
        word = chunk(choices=choice({"content": " word"}))
        end = chunk(choices=choice({}, "length")) + chunk(choices=[], usage=usage) + "data: [DONE]\n\n"
        due = time.monotonic() + self.seconds_to_first
        if not self.honest:
            time.sleep(self.seconds_to_first + (tokens - 1) * self.seconds_per_token)
            return self.send("text/event-stream", word * tokens + end)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for index in range(tokens):
            time.sleep(max(0, due + index * self.seconds_per_token - time.monotonic()))
            self.send_piece(word)
        self.send_piece(end)
        return self.send_piece("")

    def send_piece(self, text):
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())

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
    parser.add_argument("--ms-to-first", type=float, default=100)
    parser.add_argument("--honest", action="store_true")
    options = parser.parse_args()
    Handler.seconds_per_token = options.ms_per_token / 1000
    Handler.seconds_to_first = options.ms_to_first / 1000
    Handler.honest = options.honest
    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
