import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { expect } from "vitest";

export const base = process.env["CORRENTE_URL"] ?? "http://localhost:4005";
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

let running: Browser | null = null;

export async function browser(): Promise<Browser> {
  running ??= await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
  return running;
}

export async function close() {
  await running?.close();
  running = null;
}

export interface Watched {
  page: Page;
  /** Everything that should not have happened: console errors, exceptions, policy violations. */
  complaints: string[];
  /** Ends the page; whatever was complained about, but what was expected, is a failure. */
  done: (expected?: RegExp) => Promise<void>;
}

/** What the browser itself writes while there is no server: never a policy violation or an exception. */
export const unreachable = /^console: Failed to load resource: net::ERR_/;

/** A page that remembers every complaint. `done` fails when there was one. */
export async function open(options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await (await browser()).newContext({ locale: "en", viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // The page asks who is signed in; a stranger is answered 401, which Chromium writes down by itself.
    if (message.text().includes("401") && message.location().url.endsWith("/api/v1/me")) return;
    complaints.push(`console: ${message.text()} ${message.location().url}`);
  });
  await context.exposeFunction("reportViolation", (text: string) => complaints.push(`policy: ${text}`));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      void (window as unknown as { reportViolation: (text: string) => void }).reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
  });
  return {
    page,
    complaints,
    async done(expected) {
      await context.close();
      expect(complaints.filter((complaint) => !expected?.test(complaint))).toEqual([]);
    },
  };
}

export async function settle(page: Page) {
  await page.waitForSelector("h1");
  await page.waitForLoadState("load");
  // Years of readings take a debug build on a busy machine some seconds; how long is not what these tests ask.
  await page.waitForFunction(() => document.querySelectorAll('[aria-busy="true"]').length === 0, undefined, { timeout: 40_000 });
  await page.waitForTimeout(300);
}

/** Signs in as one of the accounts that the demo offers, and reads in this language. */
export async function signIn(page: Page, language = "en", at = base) {
  await page.goto(`${at}/signin`);
  await page.getByRole("list").getByRole("button").first().click();
  await page.waitForSelector("nav a >> visible=true");
  await speak(page, language, at);
}

export async function speak(page: Page, language: string, at = base) {
  await page.context().addCookies([{ name: "lang", value: language, url: at }]);
  await page.request.patch(`${at}/api/v1/me`, { data: { language }, headers: { origin: at, "sec-fetch-site": "same-origin" } });
  await page.reload();
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
  await settle(page);
}

/** A way to the server that can be cut. A browser told to be offline may still let a page's worker through. */
export async function line(): Promise<{ at: string; cut: () => void }> {
  const { hostname, port } = new URL(base);
  const ends = new Set<Socket>();
  const join = (from: Socket, to: Socket) => {
    ends.add(from);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      ends.delete(from);
      to.destroy();
    });
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    join(near, far);
    join(far, near);
  });
  await new Promise<void>((listening) => server.listen(0, hostname, listening));
  return {
    at: `http://${hostname}:${(server.address() as AddressInfo).port}`,
    cut() {
      server.close();
      ends.forEach((end) => end.destroy());
    },
  };
}

/** Sideways scroll, in pixels. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeResult {
  violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[];
}

/** Violations of WCAG 2.2 AA and of best practice. The page must come from a context with bypassCSP. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const result = await page.evaluate(
    () => (window as unknown as { axe: { run: (options: object) => Promise<unknown> } }).axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  return (result as AxeResult).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(" ")} (${node.failureSummary ?? ""})`).join("; ")}`);
}

/** The public data of the signed-in page, as its own program would ask for it. */
export async function ask<T>(page: Page, path: string): Promise<T> {
  const answer = await page.request.get(`${base}/api/v1${path}`);
  expect(answer.ok(), `${path}: ${answer.status()}`).toBe(true);
  return (await answer.json()) as T;
}

/** The home that the page shows. */
export async function ownHome(page: Page): Promise<string> {
  const { usage_points } = await ask<{ usage_points: { id: string }[] }>(page, "/me");
  const id = usage_points[0]?.id;
  if (id === undefined) throw new Error("the account has no home");
  return id;
}

/** The addresses of every screen, one bill and an open stretch among them. */
export async function screensOf(page: Page): Promise<string[]> {
  const home = await ownHome(page);
  const { invoices } = await ask<{ invoices: { id: string }[] }>(page, `/usage-points/${home}/invoices`);
  const bill = invoices[0]?.id;
  const yesterday = Math.floor((Date.parse((await ask<{ now: string }>(page, "/me")).now) - 36 * 3_600_000) / 1000);
  return [
    "/",
    "/live",
    "/historic?p=week",
    "/historic?p=month&u=money",
    "/historic?p=day&view=list",
    `/historic?p=day&sel=${yesterday}..${yesterday + 7200}`,
    "/historic?p=custom",
    "/events",
    "/tariff",
    "/invoice",
    ...(bill === undefined ? [] : [`/invoice?bill=${bill}`]),
    "/alerts",
    "/settings",
    "/no-such-page",
  ];
}
