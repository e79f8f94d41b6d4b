// A person at the page /docs: gives a token, opens an operation, writes a body, sends it. Prints what came back as JSON.

import { JSDOM, VirtualConsole } from "jsdom";

const BASE_URL = process.env.LETTA_BASE_URL;
const TOKEN = process.env.LETTA_API_KEY;
const LIMIT_MS = 60_000;

const sent = [];
const page = await JSDOM.fromURL(`${BASE_URL}/docs`, {
  runScripts: "dangerously",
  pretendToBeVisual: true,
  virtualConsole: new VirtualConsole(),
  beforeParse(window) {
    // jsdom has no fetch; Node's answers instead, for the page's own server alone as the page's policy demands.
    window.fetch = async (target, options) => {
      const request = new Request(new URL(target.url ?? target, BASE_URL), options);
      if (new URL(request.url).origin !== new URL(BASE_URL).origin) throw new Error(`not allowed: ${request.url}`);
      const response = await fetch(request);
      sent.push({ method: request.method, path: new URL(request.url).pathname, status: response.status });
      return response;
    };
    Object.assign(window, { Headers, Request, Response, structuredClone });
  },
});
const { document, Event, HTMLInputElement, HTMLTextAreaElement } = page.window;

await find(".opblock");
document.querySelector("button.authorize").click();
type(HTMLInputElement, await find(".auth-container input"), TOKEN);
(await find(".auth-btn-wrapper button.authorize")).click();
const operation = document.querySelector("#operations-agents-create_agent");
operation.querySelector(".opblock-summary-control").click();
type(HTMLTextAreaElement, await find("#operations-agents-create_agent textarea"), '{"model": "openai/scripted"}');
await pause();
(await find("#operations-agents-create_agent button.execute")).click();
await until(() => sent.some((request) => request.method === "POST"), "no request was sent");
process.stdout.write(JSON.stringify(sent));
process.exit(0);

async function find(selector) {
  await until(() => document.querySelector(selector), `nothing on the page is ${selector}`);
  await pause();
  return document.querySelector(selector);
}

async function until(isReached, otherwise) {
  const endsAt = Date.now() + LIMIT_MS;
  while (!isReached()) {
    if (Date.now() > endsAt) throw new Error(otherwise);
    await pause();
  }
}

/** Let the page do what its state demands. */
function pause() {
  return new Promise((resolve) => setTimeout(resolve, 200));
}

/** Type as a person does: React listens to the event, and to nothing that a script sets. */
function type(element, field, text) {
  Object.getOwnPropertyDescriptor(element.prototype, "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
