// A person at the page /docs in a browser: looks at the operations, gives a token, opens one, writes a body, sends it.
// Takes the folder of the screenshots; prints what was on the page and what was sent, as JSON.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const BASE_URL = process.env.LETTA_BASE_URL;
const TOKEN = process.env.LETTA_API_KEY;
const FOLDER = process.argv[2];
const LIMIT_MS = 60_000;
const OPERATION = "#operations-agents-create_agent";

const browser = await puppeteer.launch({
  executablePath: await findBrowser(),
  headless: "shell",
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  timeout: LIMIT_MS,
});
try {
  process.stdout.write(JSON.stringify(await useThePage(await browser.newPage())));
} finally {
  await browser.close();
}

async function useThePage(page) {
  const sent = [];
  const errors = [];
  page.setDefaultTimeout(LIMIT_MS);
  await page.setViewport({ width: 1200, height: 1600 });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("response", (response) => {
    const { pathname, origin } = new URL(response.url());
    if (pathname === "/docs" || origin === "null") return;
    sent.push({ method: response.request().method(), path: pathname, status: response.status() });
  });

  await page.goto(`${BASE_URL}/docs`);
  await page.waitForSelector(".opblock");
  const operations = await page.$$eval(".opblock-summary-path", (all) => all.map((each) => each.dataset.path));
  await page.screenshot({ path: join(FOLDER, "operations.png") });

  await page.click("button.authorize");
  await page.type(".auth-container input", TOKEN);
  await page.click(".auth-btn-wrapper button.authorize");
  await page.click(".auth-btn-wrapper button.btn-done");
  await page.click(`${OPERATION} .opblock-summary-control`);
  await write(page, `${OPERATION} textarea`, '{"model": "openai/scripted"}');
  await page.click(`${OPERATION} button.execute`);
  const answer = await page.waitForSelector(`${OPERATION} .live-responses-table tbody .response-col_status`);
  const status = await answer.evaluate((cell) => cell.textContent.trim().slice(0, 3));
  await (await page.$(OPERATION)).screenshot({ path: join(FOLDER, "answer.png") });
  return { operations, sent, status, errors };
}

/** Replace what a field holds, key by key as a person does. */
async function write(page, selector, text) {
  await page.waitForSelector(selector);
  await page.click(selector, { count: 3 });
  await page.keyboard.down("Control");
  await page.keyboard.press("KeyA");
  await page.keyboard.up("Control");
  await page.keyboard.type(text);
}

/** A browser of this machine, or on Linux the one that a package brings along. */
async function findBrowser() {
  for (const name of ["chromium", "google-chrome", "chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      continue;
    }
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error("no browser: put chromium or google-chrome on PATH");
  }
  // The package brings the browser's libraries too, and unpacks them where it takes itself to be on Lambda.
  process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x";
  // Its own list of fonts names /tmp/fonts, wherever they are.
  process.env.FONTCONFIG_FILE = join(tmpdir(), "fonts.conf");
  writeFileSync(process.env.FONTCONFIG_FILE, `<fontconfig><dir>${join(tmpdir(), "fonts")}</dir></fontconfig>`);
  const { default: chromium } = await import("@sparticuz/chromium");
  return chromium.executablePath();
}
