import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { close, open, unreachable, type Watched } from "./browser";

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

  const enter = async ({ page }: Watched) => {
    await page.goto(`${base}/signin`);
    await page.getByRole("list").getByRole("button").first().click();
    await page.waitForSelector("nav a >> visible=true");
  };

  test("the page says so, greys what is old, invents nothing, and goes on by itself", async () => {
    const live = await open();
    await enter(live);
    const { page } = live;
    await page.goto(`${base}/live`);
    const chip = page.getByRole("banner").getByRole("status");
    await chip.getByText("Live").waitFor();
    const figure = page.locator("main .numeral");
    await page.waitForFunction(() => /\d/.test(document.querySelector("main .numeral")?.textContent ?? ""));

    // Home, a history and a bill stand open beside it, each with its figures.
    const others: { watched: Watched; figures: () => Promise<string[]>; before: string[] }[] = [];
    for (const place of ["/", "/historic?p=month", "bill"]) {
      const watched = await open();
      await enter(watched);
      if (place === "bill") {
        await watched.page.goto(`${base}/invoice`);
        await watched.page.locator("main ul a").first().click();
        await watched.page.waitForFunction(() => location.search.includes("bill="));
      } else {
        await watched.page.goto(base + place);
      }
      await watched.page.waitForFunction(() => document.querySelectorAll('[aria-busy="true"]').length === 0 && /\d/.test(document.querySelector("main .numeral")?.textContent ?? ""));
      // Of Home the bill and the invoice: its first figure is the power, which the stream changes.
      const figures = async () => (await watched.page.locator("main .numeral").allTextContents()).slice(place === "/" ? 1 : 0);
      others.push({ watched, figures, before: [] });
    }
    await kill();
    const before = await figure.textContent();
    for (const other of others) other.before = await other.figures();
    await chip.getByText("Delayed").waitFor({ timeout: 20_000 });
    // Nothing is counted on and nothing becomes zero while nobody tells us anything.
    expect(await figure.textContent()).toBe(before);
    await chip.getByText(/No connection since/).waitFor({ timeout: 70_000 });
    expect(await figure.textContent()).toBe(before);
    await page.getByText(/No connection\. Showing/).first().waitFor();
    for (const { figures, before: then } of others) expect(await figures()).toEqual(then);
    await start();
    await chip.getByText("Live", { exact: true }).waitFor({ timeout: 40_000 });
    expect(page.url()).toBe(`${base}/live`);
    for (const { watched } of others) {
      await watched.page.getByRole("banner").getByRole("status").getByText("Live", { exact: true }).waitFor({ timeout: 40_000 });
      expect(await watched.page.getByRole("alert").count()).toBe(0);
      await watched.done(unreachable);
    }
    await live.done(unreachable);
  }, 300_000);
});
