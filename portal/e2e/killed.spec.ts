import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { close, open } from "./browser";

// A server of its own, since this test kills it. Without a program to start it is skipped.
const program = process.env["CORRENTE_BIN"];
const port = 4100 + (process.pid % 800);
const base = `http://localhost:${port}`;

let data = "";
let server: ChildProcess | null = null;

async function start() {
  server = spawn(program ?? "", ["demo", "--listen", `127.0.0.1:${port}`, "--data", join(data, "city"), "--homes", "3", "--days", "40"], { stdio: "ignore" });
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const ready = await fetch(`${base}/api/v1/options`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((end) => setTimeout(end, 200));
  }
  throw new Error("the server did not start");
}

async function kill() {
  const gone = new Promise((end) => server?.once("exit", end));
  server?.kill("SIGKILL");
  await gone;
  server = null;
}

describe.skipIf(!program)("the server is killed and comes back", () => {
  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), "corrente-portal-"));
    await start();
  }, 120_000);

  afterAll(async () => {
    if (server) await kill();
    await close();
    rmSync(data, { recursive: true, force: true });
  });

  test("the page says so, greys what is old, invents nothing, and goes on by itself", async () => {
    const { page } = await open();
    await page.goto(`${base}/signin`);
    await page.getByRole("list").getByRole("button").first().click();
    await page.waitForSelector("nav a >> visible=true");
    await page.goto(`${base}/live`);
    const chip = page.getByRole("banner").getByRole("status");
    await chip.getByText("Live").waitFor();
    const figure = page.locator("main .numeral");
    await page.waitForFunction(() => /\d/.test(document.querySelector("main .numeral")?.textContent ?? ""));
    const before = await figure.textContent();
    await kill();
    await chip.getByText("Delayed").waitFor({ timeout: 20_000 });
    // Nothing is counted on and nothing becomes zero while nobody tells us anything.
    expect(await figure.textContent()).toBe(before);
    await chip.getByText(/No connection since/).waitFor({ timeout: 70_000 });
    expect(await figure.textContent()).toBe(before);
    await page.getByText(/No connection\. Showing/).first().waitFor();
    await start();
    await chip.getByText("Live", { exact: true }).waitFor({ timeout: 40_000 });
    expect(page.url()).toBe(`${base}/live`);
    await page.context().close();
  }, 240_000);
});
