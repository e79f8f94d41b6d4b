// A program for a Letta server: address and key come from the environment, as the SDK reads them by itself.
// Prints what it found as JSON; tests/stack/sdk/use_python_sdk.py does the same with the SDK for Python.

import Letta from "@letta-ai/letta-client";

const RUNS = 250;
const POSTS_AT_ONCE = 8;
const PAGE_SIZE = 40;
const ENDED = ["completed", "failed", "cancelled"];
const LIMIT_MS = 90_000;

const client = new Letta();

async function main() {
  const agent = await client.agents.create({ model: "openai/sdk-script", name: "Node script" });
  const found = {
    run: await followOneRun(agent.id),
    cancelled: await cancelOneRun(),
    conversation: await talk(agent.id),
    paged: await countPages(),
    deleted: await remove(agent.id),
  };
  process.stdout.write(JSON.stringify(found));
}

/** Send a message in the background and read everything that came of it. */
async function followOneRun(agentId) {
  const accepted = await client.agents.messages.createAsync(agentId, { input: "good evening" });
  const run = await wait(accepted.id);
  return {
    accepted: accepted.status,
    status: run.status,
    stop_reason: run.stop_reason,
    messages: (await all(client.runs.messages.list(run.id))).map((message) => message.message_type),
    steps: (await all(client.runs.steps.list(run.id))).map((step) => step.status),
    total_tokens: (await client.runs.usage.retrieve(run.id)).total_tokens,
  };
}

/** Cancel a run whose model takes its time. */
async function cancelOneRun() {
  const agent = await client.agents.create({ model: "openai/sdk-slow" });
  const run = await client.agents.messages.createAsync(agent.id, { input: "take your time" });
  await client.agents.messages.cancel(agent.id, { run_ids: [run.id] });
  return (await wait(run.id)).status;
}

/** Talk to the agent in a conversation beside its own history. */
async function talk(agentId) {
  const conversation = await client.conversations.create({ agent_id: agentId, summary: "A talk" });
  const streamed = [];
  for await (const event of await client.conversations.messages.create(conversation.id, { input: "hello" })) {
    streamed.push(event.message_type);
  }
  const stored = await all(client.conversations.messages.list(conversation.id, { order: "asc" }));
  const listed = await client.conversations.list({ agent_id: agentId });
  await client.conversations.delete(conversation.id);
  return {
    streamed,
    stored: stored.map((message) => message.message_type),
    listed: listed.some((each) => each.id === conversation.id),
  };
}

/** Post many runs and walk over all of them, page by page. */
async function countPages() {
  const agent = await client.agents.create({ model: "openai/sdk-script" });
  const posted = new Set();
  const texts = Array.from({ length: RUNS }, (_, number) => String(number));
  const post = async () => {
    for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
      posted.add((await client.agents.messages.createAsync(agent.id, { input: text })).id);
    }
  };
  await Promise.all(Array.from({ length: POSTS_AT_ONCE }, post));
  const listed = (await all(client.runs.list({ agent_id: agent.id, limit: PAGE_SIZE }))).map((run) => run.id);
  await client.agents.delete(agent.id);
  return { posted: posted.size, listed: listed.length, both: new Set(listed.filter((id) => posted.has(id))).size };
}

/** Delete the agent; tell whether it is gone. */
async function remove(agentId) {
  await client.agents.delete(agentId);
  try {
    await client.agents.retrieve(agentId);
  } catch (error) {
    if (error instanceof Letta.NotFoundError) return true;
    throw error;
  }
  return false;
}

/** Return the run once it has ended. */
async function wait(runId) {
  const endsAt = Date.now() + LIMIT_MS;
  for (;;) {
    const run = await client.runs.retrieve(runId);
    if (ENDED.includes(run.status)) return run;
    if (Date.now() > endsAt) throw new Error(`${runId} is ${run.status} after ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Return everything of all pages. */
async function all(pages) {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
}

await main();
