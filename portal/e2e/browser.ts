import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
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
  done: () => Promise<void>;
}

/** A page that remembers every complaint. `done` fails when there was one. */
export async function open(options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await (await browser()).newContext({ locale: "en", viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(8000);
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
    async done() {
      await context.close();
      expect(complaints).toEqual([]);
    },
  };
}

export async function settle(page: Page) {
  await page.waitForSelector("h1");
  await page.waitForLoadState("load");
  await page.waitForFunction(() => document.querySelectorAll('[aria-busy="true"]').length === 0);
  await page.waitForTimeout(300);
}

/** Signs in as one of the accounts that the demo offers, and reads in this language. */
export async function signIn(page: Page, language = "en") {
  await page.goto(`${base}/signin`);
  await page.getByRole("list").getByRole("button").first().click();
  await page.waitForSelector("nav a >> visible=true");
  await speak(page, language);
}

export async function speak(page: Page, language: string) {
  await page.context().addCookies([{ name: "lang", value: language, url: base }]);
  await page.request.patch(`${base}/api/v1/me`, { data: { language }, headers: { origin: base, "sec-fetch-site": "same-origin" } });
  await page.reload();
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
  await settle(page);
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
