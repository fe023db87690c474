import { afterAll, describe, expect, test } from "vitest";
import type { Page, Route } from "playwright-core";
import { base, close, line, open, ownHome, settle, signIn, unreachable } from "./browser";

afterAll(close);

/** The data of each screen; all of its cards rest on it. */
const screens: readonly [string, RegExp][] = [
  ["/", /\/home\?/],
  ["/historic?p=month", /\/(usage|readings)\?/],
  ["/events", /\/events$/],
  ["/tariff", /\/tariff$/],
  ["/invoice", /\/invoices$/],
  ["/alerts", /\/alerts\?/],
];

/** While `broken`, whatever the pattern names is answered like that. */
async function breaks(page: Page, pattern: RegExp, act: (route: Route) => Promise<void>) {
  await page.route((url) => url.pathname.startsWith("/api/") && pattern.test(url.href), act);
}

const problem = { type: "about:blank", title: "It failed", status: 500, code: "internal", detail: "", incident: "4f2a9b00" };
const said500 = /status of 500/;

test("a server that cannot store readings says so on every page", async () => {
  const { page, done } = await open({ serviceWorkers: "block" });
  await signIn(page);
  let storing = false;
  await page.route(/\/api\/v1\/live\?/, (route) =>
    route.fulfill({ contentType: "text/event-stream", body: `retry: 100\nevent: hello\ndata: {"build":"","storing":${storing}}\n\n` }),
  );
  const strip = page.getByRole("alert").filter({ hasText: "cannot store new readings" });
  for (const screen of ["/", "/historic", "/alerts"]) {
    await page.goto(base + screen);
    await strip.waitFor();
  }
  storing = true;
  await strip.waitFor({ state: "detached" });
  await done();
});

describe("a card never takes one of its states for another", () => {
  test.each(screens)("%s says that it failed, with a code, and is filled by trying again", async (screen, pattern) => {
    const { page, done } = await open({ serviceWorkers: "block" });
    await signIn(page);
    let broken = true;
    await breaks(page, pattern, (route) => (broken ? route.fulfill({ status: 500, json: problem, contentType: "application/problem+json" }) : route.fallback()));
    await page.goto(base + screen);
    const failures = page.getByRole("alert").filter({ hasText: "E-4F2A" });
    await failures.first().waitFor();
    // Nothing that looks like a figure stands beside it.
    expect(await page.locator("main .numeral").count()).toBe(0);
    broken = false;
    // A page of several cards has as many to try again; one that is filled takes its button with it.
    const left = async () => {
      if ((await failures.count()) > 0) await failures.first().getByRole("button", { name: "Try again" }).click({ timeout: 2_000 }).catch(() => undefined);
      return failures.count();
    };
    await expect.poll(left, { timeout: 40_000 }).toBe(0);
    await settle(page);
    await done(said500);
  });

  test.each(screens)("%s waits with its shape and without a figure", async (screen, pattern) => {
    const { page, done } = await open({ serviceWorkers: "block" });
    await signIn(page);
    let release: () => void = () => undefined;
    const held = new Promise<void>((end) => (release = end));
    await breaks(page, pattern, async (route) => {
      await held;
      await route.fallback();
    });
    await page.goto(base + screen);
    await page.locator("main [aria-busy=true]").first().waitFor();
    await page.locator("main .skeleton >> visible=true").first().waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await page.locator("main .numeral").count()).toBe(0);
    release();
    await settle(page);
    expect(await page.locator("main .skeleton >> visible=true").count()).toBe(0);
    await done();
  });

  test("what came last stays, dimmed, when asking again fails", async () => {
    const { page, done } = await open({ serviceWorkers: "block" });
    await signIn(page);
    await page.goto(`${base}/invoice`);
    await settle(page);
    const amounts = await page.locator("main ul a").allTextContents();
    await breaks(page, /\/invoices$/, (route) => route.fulfill({ status: 500, json: problem, contentType: "application/problem+json" }));
    await page.clock.install();
    await page.clock.fastForward(120_000);
    await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
    await page.getByRole("alert").first().waitFor();
    expect(await page.locator("main ul a").allTextContents()).toEqual(amounts);
    await done(said500);
  });

  test("emptiness is normal and says so, in every card", async () => {
    const { page, done } = await open({ serviceWorkers: "block" });
    await signIn(page);
    const home = await ownHome(page);
    await page.route(`**/api/v1/usage-points/${home}/events`, (route) => route.fulfill({ json: { events: [], names: [] } }));
    await page.route(`**/api/v1/usage-points/${home}/tariff`, (route) => route.fulfill({ json: { tariff: null } }));
    await page.route(`**/api/v1/usage-points/${home}/invoices`, (route) => route.fulfill({ json: { invoices: [] } }));
    for (const [screen, words] of [
      ["/events", "Nothing has a name yet."],
      ["/tariff", "No tariff is agreed for this home yet."],
      ["/invoice", "No bill has been issued yet."],
    ] as const) {
      await page.goto(base + screen);
      await page.getByText(words).waitFor();
      expect(await page.getByRole("alert").count(), screen).toBe(0);
    }
    await done();
  });

  test("a session that ended asks to sign in, in place", async () => {
    const { page, done } = await open({ serviceWorkers: "block" });
    await signIn(page);
    await page.goto(`${base}/settings`);
    await settle(page);
    await page.context().clearCookies({ name: /sid/ });
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Bills" }).click();
    await page.getByText("Your session ended").or(page.getByLabel("E-mail")).first().waitFor();
    expect(new URL(page.url()).pathname).toBe("/invoice");
    await done(/401/);
  });
});

test("reading goes on without a connection: Home, a history, a bill and its PIX code", async (context) => {
  const { page, done } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  const { at, cut } = await line();
  await signIn(page, "en", at);
  const worker = await page.evaluate(async () => "serviceWorker" in navigator && (await Promise.race([navigator.serviceWorker.ready, new Promise((end) => setTimeout(end, 5000))])) !== undefined);
  if (!worker) return context.skip("no service worker on this address");
  const home = await ownHome(page);
  const { invoices } = (await (await page.request.get(`${base}/api/v1/usage-points/${home}/invoices`)).json()) as { invoices: { id: string; state: string }[] };
  const bill = invoices.find(({ state }) => state === "open") ?? invoices[0];
  const places = ["/", "/historic?p=month", `/invoice?bill=${bill?.id}`];
  // The first load fills the store, the second is the worker's own.
  for (let round = 0; round < 2; round += 1) {
    for (const place of places) {
      await page.goto(at + place);
      await settle(page);
    }
  }
  const before: string[][] = [];
  for (const place of places) {
    await page.goto(at + place);
    await settle(page);
    before.push((await page.locator("main .numeral").allTextContents()).slice(place === "/" ? 1 : 0));
  }
  cut();
  for (const [index, place] of places.entries()) {
    await page.goto(at + place);
    await page.getByText(/No connection\. Showing what was stored/).waitFor();
    await page.waitForFunction(() => /\d/.test(document.querySelector("main .numeral")?.textContent ?? ""));
    expect((await page.locator("main .numeral").allTextContents()).slice(place === "/" ? 1 : 0), place).toEqual(before[index]);
  }
  if (bill?.state === "open") {
    await page.getByRole("button", { name: "Copy PIX code" }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^000201.*6304[0-9A-F]{4}$/);
  }
  await done(unreachable);
});
