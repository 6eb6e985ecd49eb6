"""The openai package for Python against drawbridge serve: run.py PROGRAM MODEL."""
import sys
import unittest

import openai

from served import Served

PROGRAM, MODEL = sys.argv[1:3]
HELLO = [{"role": "user", "content": "Hello"}]
NAME = "glm52-nano"


def client_of(served, **options):
    return openai.OpenAI(base_url=served.url + "/v1", **{"api_key": "any", "max_retries": 0, "timeout": 120, **options})


class Shared(unittest.TestCase):
    """Tests that leave the server as it was."""

    @classmethod
    def setUpClass(cls):
        cls.served = Served(PROGRAM, MODEL)
        cls.client = client_of(cls.served)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        if cls.served.stop() != 0:
            raise AssertionError("exit code is not 0:\n" + "".join(cls.served.log))

    def test_chat(self):
        answer = self.client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=8)
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.choices[0].message.role, "assistant")
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)

    def test_chat_stream_with_usage(self):
        options = dict(model=NAME, messages=HELLO, max_tokens=8, temperature=0, reasoning_effort="none",
                       extra_body={"ignore_eos": True})
        whole = self.client.chat.completions.create(**options)
        chunks = list(self.client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-2].choices[0].finish_reason, "length")
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, 8)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))

    def test_chat_stream_helper_accumulates(self):
        with self.client.chat.completions.stream(model=NAME, messages=HELLO, max_tokens=8) as stream:
            kinds = {event.type for event in stream}
            self.assertIn("chunk", kinds)
            self.assertIn(stream.current_completion_snapshot.choices[0].finish_reason, ("stop", "length"))

    def test_completion(self):
        answer = self.client.completions.create(model=NAME, prompt="Once", max_tokens=6, temperature=0)
        self.assertEqual(answer.object, "text_completion")
        stream = self.client.completions.create(model=NAME, prompt="Once", max_tokens=6, temperature=0, stream=True)
        self.assertEqual("".join(chunk.choices[0].text for chunk in stream), answer.choices[0].text)

    def test_models(self):
        self.assertEqual([model.id for model in self.client.models.list()], [NAME])
        self.assertEqual(self.client.models.retrieve(NAME).id, NAME)

    def test_logprobs(self):
        answer = self.client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=2, logprobs=True,
                                                     top_logprobs=2, extra_body={"ignore_eos": True})
        self.assertEqual(len(answer.choices[0].logprobs.content), 2)
        self.assertEqual(len(answer.choices[0].logprobs.content[0].top_logprobs), 2)

    def test_stop(self):
        common = dict(model=NAME, prompt="Once", max_tokens=30, temperature=0)
        text = self.client.completions.create(**common, extra_body={"ignore_eos": True}).choices[0].text
        stop = text[1:3]
        answer = self.client.completions.create(**common, stop=[stop], extra_body={"ignore_eos": True}).choices[0]
        self.assertEqual(answer.text, text[:text.index(stop)])
        self.assertEqual(answer.finish_reason, "stop")

    def test_bad_request(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.chat.completions.create(model=NAME, messages=HELLO, temperature=-1)
        self.assertEqual(caught.exception.param, "temperature")
        self.assertEqual(caught.exception.type, "invalid_request_error")
        self.assertIn("wanted", caught.exception.message)

    def test_unknown_model(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.chat.completions.create(model="gpt-4", messages=HELLO)
        self.assertEqual(caught.exception.code, "model_not_found")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("gpt-4")

    def test_context_overflow(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.completions.create(model=NAME, prompt="one two " * 10_000)
        self.assertEqual(caught.exception.code, "context_length_exceeded")


class OwnServer(unittest.TestCase):
    def start(self, *arguments):
        served = Served(PROGRAM, MODEL, *arguments)
        self.addCleanup(lambda: served.process.poll() is None and served.stop())
        return served

    def long_stream(self, client, max_tokens):
        return client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=max_tokens, stream=True,
                                              extra_body={"ignore_eos": True})

    def test_wrong_key(self):
        served = self.start("--api-key", "right")
        with client_of(served, api_key="wrong") as client, self.assertRaises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model=NAME, messages=HELLO)
        self.assertEqual(caught.exception.code, "invalid_api_key")
        with client_of(served, api_key="right") as client:
            self.assertEqual(len(list(client.models.list())), 1)
        self.assertEqual(served.stop(), 0)

    def test_a_stream_that_is_left_frees_its_pages(self):
        served = self.start()
        with client_of(served) as client:
            stream = self.long_stream(client, 4000)
            for _ in range(3):
                next(stream)
            self.assertEqual(served.metrics()["drawbridge:num_requests_running"], 1)
            stream.close()
            idle = served.wait_until_idle()
        self.assertEqual(idle['drawbridge:request_success_total{finished_reason="cancelled"}'], 1)
        self.assertLess(idle["drawbridge:generation_tokens_total"], 4000)
        self.assertEqual(served.stop(), 0)

    def test_sigterm_lets_a_stream_finish(self):
        served = self.start("--grace", "300")
        with client_of(served) as client:
            stream = self.long_stream(client, 100)
            next(stream)
            served.ask_to_stop()
            last = list(stream)[-1]
        self.assertEqual(last.choices[0].finish_reason, "length")
        self.assertEqual(served.wait(), 0, "".join(served.log))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
