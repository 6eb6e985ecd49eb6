// The openai package for JavaScript against drawbridge serve: run.mjs PROGRAM MODEL DIRECTORY_OF_NODE_MODULES.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { Served } from './served.mjs';

const [program, directory, packages] = process.argv.slice(2);
const OpenAI = createRequire(`${packages}/package.json`)('openai');
const messages = [{ role: 'user', content: 'Hello' }];
const model = 'glm52-nano';

const clientOf = (served, options = {}) =>
  new OpenAI({ baseURL: `${served.url}/v1`, apiKey: 'any', maxRetries: 0, timeout: 120_000, ...options });

after(() => Served.killAll());

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

describe('one server', () => {
  let served, client;
  before(async () => {
    served = await Served.start(program, directory);
    client = clientOf(served);
  });
  after(async () => assert.equal(await served.stop(), 0, served.log.join('\n')));

  it('answers a chat', async () => {
    const answer = await client.chat.completions.create({ model, messages, max_tokens: 8 });
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.choices[0].message.role, 'assistant');
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  });

  it('streams a chat with its usage', async () => {
    const request = { model, messages, max_tokens: 8, temperature: 0, reasoning_effort: 'none', ignore_eos: true };
    const whole = await client.chat.completions.create(request);
    const chunks = await collect(
      await client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } }));
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(chunks.at(-2).choices[0].finish_reason, 'length');
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.completion_tokens, 8);
  });

  it('completes a prompt', async () => {
    const request = { model, prompt: 'Once', max_tokens: 6, temperature: 0 };
    const answer = await client.completions.create(request);
    const chunks = await collect(await client.completions.create({ ...request, stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), answer.choices[0].text);
  });

  it('lists its models', async () => {
    assert.deepEqual((await client.models.list()).data.map((one) => one.id), [model]);
    assert.equal((await client.models.retrieve(model)).id, model);
  });

  it('stops at a stop string', async () => {
    const request = { model, prompt: 'Once', max_tokens: 30, temperature: 0, ignore_eos: true };
    const text = (await client.completions.create(request)).choices[0].text;
    const stop = text.slice(1, 3);
    const [choice] = (await client.completions.create({ ...request, stop })).choices;
    assert.equal(choice.text, text.slice(0, text.indexOf(stop)));
    assert.equal(choice.finish_reason, 'stop');
  });

  it('refuses what is wrong as the client expects', async () => {
    await assert.rejects(client.chat.completions.create({ model, messages, temperature: -1 }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, 'temperature');
      assert.equal(error.type, 'invalid_request_error');
      return true;
    });
    await assert.rejects(client.chat.completions.create({ model: 'gpt-4', messages }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'model_not_found');
      return true;
    });
  });
});

describe('a server of its own', () => {
  const longStream = (client, max_tokens) =>
    client.chat.completions.create({ model, messages, max_tokens, stream: true, ignore_eos: true });

  it('wants a key', async () => {
    const served = await Served.start(program, directory, '--api-key', 'right');
    await assert.rejects(clientOf(served, { apiKey: 'wrong' }).models.list(), OpenAI.AuthenticationError);
    assert.equal((await clientOf(served, { apiKey: 'right' }).models.list()).data.length, 1);
    assert.equal(await served.stop(), 0);
  });

  it('frees the pages of a stream that is left', async () => {
    const served = await Served.start(program, directory);
    const stream = await longStream(clientOf(served), 4000);
    let seen = 0;
    for await (const chunk of stream) {
      assert.ok(chunk.choices.length > 0);
      if (++seen === 3) break; // aborts the request
    }
    await served.waitUntilIdle();
    assert.equal(await served.metric('drawbridge:request_success_total', 'finished_reason="cancelled"'), 1);
    assert.ok((await served.metric('drawbridge:generation_tokens_total')) < 4000);
    assert.equal(await served.stop(), 0);
  });

  it('lets a stream finish after SIGTERM', async () => {
    const served = await Served.start(program, directory, '--grace', '300');
    const chunks = [];
    for await (const chunk of await longStream(clientOf(served), 100)) {
      if (chunks.push(chunk) === 1) served.askToStop();
    }
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
    assert.equal(await served.ended, 0, served.log.join('\n'));
  });
});
