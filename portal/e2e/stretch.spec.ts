import { afterAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { ask, base, close, open, ownHome, settle, signIn } from "./browser";

afterAll(close);

const selection = (page: Page) => new URL(page.url()).searchParams.get("sel");

async function waitForSelection(page: Page, other: string | null = null) {
  await page.waitForFunction((old) => {
    const now = new URLSearchParams(location.search).get("sel");
    return now !== null && now !== old;
  }, other);
}

describe("a stretch of the chart", () => {
  test("is chosen by keyboard alone: the button, its fields, and Shift with the arrows", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/historic?p=month`);
    await settle(page);
    // To the button by its own name, as Tab would.
    await page.getByRole("button", { name: "Choose a stretch" }).focus();
    await page.keyboard.press("Enter");
    const bar = page.getByRole("region", { name: "Selected stretch" });
    await bar.waitFor();
    const first = selection(page);
    expect(first).toMatch(/^\d+\.\.\d+$/);
    const cursor = page.getByRole("slider", { name: "Position in the chart" });
    await cursor.focus();
    await page.keyboard.press("Shift+ArrowLeft");
    await waitForSelection(page, first);
    const two = selection(page) ?? "";
    await page.keyboard.press("Shift+ArrowLeft");
    await waitForSelection(page, two);
    const [start = 0, end = 0] = (selection(page) ?? "").split("..").map(Number);
    // Three bars of a day, the newest of which may have begun a moment ago.
    expect(end - start).toBeGreaterThan(2 * 86_400 - 7200);
    expect(end - start).toBeLessThanOrEqual(3 * 86_400 + 3600);
    for (const name of ["Cost", "Energy", "Average"]) {
      await page.waitForFunction((label) => [...document.querySelectorAll("section[aria-label='Selected stretch'] dt")].some((term) => term.textContent === label && /\d/.test(term.nextElementSibling?.textContent ?? "")), name);
    }
    // The stretch is one step: back leaves it.
    await bar.getByRole("button", { name: "Clear selection" }).press("Enter");
    await bar.waitFor({ state: "detached" });
    await done();
  });

  test("is chosen by a finger, which still scrolls the page up and down", async () => {
    const { page, done } = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await signIn(page);
    await page.goto(`${base}/historic?p=month`);
    await settle(page);
    const chart = page.getByRole("img", { name: /Bars of consumption/ });
    await chart.scrollIntoViewIfNeeded();
    const box = await chart.boundingBox();
    if (!box) throw new Error("the chart is not drawn");
    const session = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", x: number, y: number) =>
      session.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y }] });
    const y = box.y + box.height / 2;
    await touch("touchStart", box.x + box.width * 0.3, y);
    for (let step = 1; step <= 8; step += 1) await touch("touchMove", box.x + box.width * (0.3 + step * 0.04), y + 1);
    await touch("touchEnd", 0, 0);
    const bar = page.getByRole("region", { name: "Selected stretch" });
    await bar.waitFor();
    expect(selection(page)).toMatch(/^\d+\.\.\d+$/);
    await done();
  });

  test("gets a name and is found among the events", async () => {
    const { page, done } = await open();
    await signIn(page);
    const home = await ownHome(page);
    await page.goto(`${base}/historic?p=month`);
    await settle(page);
    await page.getByRole("button", { name: "Choose a stretch" }).click();
    const bar = page.getByRole("region", { name: "Selected stretch" });
    await bar.getByRole("button", { name: "Name it" }).click();
    const name = `Oven ${process.pid}`;
    await bar.getByLabel("Name of this stretch").fill(name);
    await page.keyboard.press("Enter");
    await page.getByText("Saved among your events").waitFor();
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Events" }).click();
    await settle(page);
    await page.getByRole("link", { name: new RegExp(name) }).waitFor();
    // The figure is the server's.
    const { events } = await ask<{ events: { name: string; amount: string | null }[] }>(page, `/usage-points/${home}/events`);
    const amount = events.find((event) => event.name === name)?.amount ?? null;
    if (amount !== null) expect(await page.locator("main").textContent()).toContain(amount);
    await page.getByRole("button", { name: `Forget ${name}` }).click();
    await page.getByRole("link", { name: new RegExp(name) }).waitFor({ state: "detached" });
    await done();
  });
});

describe("chosen days", () => {
  test("are two dates, and the address keeps them", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/historic`);
    await settle(page);
    await page.getByRole("radio", { name: "Dates" }).click();
    await page.waitForFunction(() => location.search.includes("p=custom"));
    const last = page.getByLabel("Last day");
    const until = await last.inputValue();
    const before = new Date(Date.parse(`${until}T00:00:00Z`) - 5 * 86_400_000).toISOString().slice(0, 10);
    await page.getByLabel("First day").fill(before);
    await page.waitForFunction((date) => location.search.includes(`from=${date}`), before);
    await settle(page);
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.getByRole("img", { name: /Bars of consumption/ }).waitFor();
    await done();
  });

  test.each([
    "p=custom&from=0001-01-01&to=9999-12-31",
    "p=custom&from=2026-02-31&to=x",
    "p=custom&from=9999-12-31&to=0001-01-01",
    "p=day&from=0001-01-01",
    "p=year&from=9999-12-31&cmp=year",
    "sel=99999999999..100000000",
    "sel=100000000..99999999999",
    "r=at&rt=2026-02-31T99:99",
    "r=until&rt=0001-01-01T00:00",
    "r=from&rt=9999-12-31T23:59",
  ])("typed by hand as %s give the nearest valid view", async (search) => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/historic?${search}`);
    await settle(page);
    expect(await page.getByRole("alert").allTextContents()).toEqual([]);
    await page.getByRole("img", { name: /Bars of consumption/ }).or(page.getByText("There are no readings")).first().waitFor();
    await done();
  });
});

interface Reading {
  t: string;
  value_wh: number;
}

describe("readings", () => {
  const times = (page: Page) => page.getByRole("group", { name: "Readings", exact: true }).locator("tbody tr th").allTextContents();
  const pick = (page: Page, name: string) => page.getByRole("group", { name: "Which readings" }).getByRole("radio", { name, exact: true }).click();

  test("general history begins with the newest and goes on for as long as one asks", async () => {
    const { page, done } = await open();
    await signIn(page);
    const home = await ownHome(page);
    await page.goto(`${base}/historic`);
    await settle(page);
    const { readings } = await ask<{ readings: Reading[] }>(page, `/usage-points/${home}/readings?order=desc&limit=1`);
    const newest = Date.parse(readings[0]?.t ?? "");
    const shown = (await times(page)).length;
    expect(shown).toBeGreaterThan(0);
    const [top] = await times(page);
    const topAt = Date.parse((top ?? "").replace(/(\d+)\/(\d+)\/(\d+),/, "$3-$1-$2 "));
    // Written in the home's zone: within a day of the newest, whatever the machine's zone is.
    expect(Math.abs(topAt - newest)).toBeLessThan(86_400_000);
    await page.getByRole("button", { name: "Show more" }).click();
    await page.waitForFunction((count) => document.querySelectorAll("[aria-label='Readings'] tbody tr").length > count, shown);
    expect((await times(page)).slice(0, 1)).toEqual([top]);
    await done();
  });

  test("until begins with the last one before, from with the first one after", async () => {
    const { page, done } = await open();
    await signIn(page);
    const home = await ownHome(page);
    const { now } = await ask<{ now: string }>(page, "/me");
    const wall = now.slice(0, 10) + "T00:00";
    const expected = async (query: string) => (await ask<{ readings: Reading[] }>(page, `/usage-points/${home}/readings?limit=1&${query}`)).readings[0]?.value_wh;
    const register = async () => (await page.getByRole("group", { name: "Readings", exact: true }).locator("tbody tr td").last().evaluate((cell) => cell.closest("tbody")?.querySelector("tr td:last-child")?.textContent ?? ""))?.replace(/[^\d]/g, "");
    for (const [which, name, query] of [
      ["until", "Until", `order=desc&to=${wall}`],
      ["from", "From", `from=${new Date(Date.parse(now.slice(0, 10) + "T00:00" + now.slice(-6)) - 1000).toISOString()}`],
    ] as const) {
      await page.goto(`${base}/historic?r=${which}&rt=${wall}`);
      await settle(page);
      await page.getByRole("radio", { name, exact: true }).waitFor({ state: "attached" });
      expect(await register(), which).toBe(String(await expected(query)));
    }
    await done();
  });

  test("exactly at means at that instant, and says which was the last before", async () => {
    const { page, done } = await open();
    await signIn(page);
    const home = await ownHome(page);
    const { readings } = await ask<{ readings: Reading[] }>(page, `/usage-points/${home}/readings?order=desc&limit=2`);
    const at = readings[1]?.t ?? "";
    await page.goto(`${base}/historic?r=at&rt=${at.slice(0, 19)}`);
    await settle(page);
    expect((await times(page)).length).toBe(1);
    expect(await page.getByText("There is no reading at this instant").count()).toBe(0);
    // The wall's time of the home, a second later: nothing is there.
    const later = new Date(Date.parse(`${at.slice(0, 19)}Z`) + 1000).toISOString().slice(0, 19);
    await page.goto(`${base}/historic?r=at&rt=${later}`);
    await page.getByText("There is no reading at this instant. The last one before it is of").waitFor();
    await pick(page, "General history");
    await settle(page);
    await done();
  });
});
