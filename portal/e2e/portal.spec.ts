import { afterAll, describe, expect, test } from "vitest";
import { base, close, open, settle, signIn } from "./browser";

afterAll(close);

describe("signing in", () => {
  test("a wrong password says what to do, and tells nothing about accounts", async () => {
    const { page, complaints, done } = await open();
    await page.goto(`${base}/signin`);
    await page.getByLabel("E-mail").fill("nobody@example.com");
    await page.getByLabel(/Password/).fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("E-mail or password do not match").waitFor();
    // The refusal itself is written to the console by the browser.
    complaints.splice(0, complaints.length, ...complaints.filter((complaint) => !complaint.includes("/api/v1/session")));
    await done();
  });

  test("an address opened while signed out is there after signing in", async () => {
    const { page, done } = await open();
    await page.goto(`${base}/historic?p=year`);
    await page.getByRole("list").getByRole("button").first().click();
    await page.waitForSelector("main h1");
    expect(page.url()).toContain("/historic?p=year");
    await done();
  });

  test("an unknown lab meter gets the prototype's words", async (context) => {
    const { page, complaints, done } = await open();
    await page.goto(`${base}/signin`);
    await page.waitForSelector("form");
    const field = page.getByLabel("Identification");
    if ((await field.count()) === 0) return context.skip("the server does not run in lab mode");
    await field.fill("no-such-meter");
    await page.getByRole("button", { name: "Login" }).click();
    await page.getByText("Non-existent identification. Confirm that this meter exists.").waitFor();
    complaints.splice(0, complaints.length, ...complaints.filter((complaint) => !complaint.includes("/api/v1/session/lab")));
    await done();
  });

  test("signing out leads back to the sign-in", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/settings`);
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByLabel("E-mail").waitFor();
    await done();
  });
});

describe("history", () => {
  test("answers in a sentence, steps, switches unit and goes in and back", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/historic?p=month`);
    await settle(page);
    const headline = page.getByRole("heading", { level: 1 });
    expect(await headline.textContent()).toMatch(/kWh|Nothing measured/);
    await page.getByRole("button", { name: "Previous period" }).click();
    await page.waitForFunction(() => location.search.includes("from="));
    await settle(page);
    await page.getByRole("radio", { name: "R$" }).click();
    await page.waitForFunction(() => location.search.includes("u=money"));
    await page.getByRole("radio", { name: "Week" }).click();
    await page.waitForFunction(() => location.search.includes("p=week"));
    await page.goBack();
    await page.waitForFunction(() => location.search.includes("p=month"));
    await done();
  });

  test("the cursor of the chart moves by keyboard and speaks", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/historic?p=month`);
    await settle(page);
    const cursor = page.getByRole("slider", { name: "Position in the chart" });
    await cursor.focus();
    const before = await cursor.getAttribute("aria-valuetext");
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction((old) => document.activeElement?.getAttribute("aria-valuetext") !== old, before);
    await done();
  });

  test("a stretch dragged over the chart says what it cost, and so do its two fields", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/historic?p=month`);
    await settle(page);
    const chart = page.getByRole("img", { name: /Bars of consumption/ });
    const box = await chart.boundingBox();
    if (!box) throw new Error("the chart is not drawn");
    await page.mouse.move(box.x + box.width * 0.1, box.y + 120);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.25, box.y + 130, { steps: 6 });
    await page.mouse.up();
    const bar = page.getByRole("region", { name: "Selected stretch" });
    await bar.waitFor();
    expect(page.url()).toMatch(/sel=\d+\.\.\d+/);
    const from = bar.getByLabel("From");
    const value = await from.inputValue();
    const before = new URL(page.url()).searchParams.get("sel") ?? "";
    await from.fill(value.replace(/T.*/, "T06:00"));
    await page.waitForFunction((old) => !location.search.includes(old), before);
    await bar.getByRole("button", { name: "Clear selection" }).click();
    await bar.waitFor({ state: "detached" });
    await done();
  });

  test("an address edited by hand gives the nearest valid view", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/historic?p=decade&from=2026-02-31&u=euro&cmp=moon&sel=x&view=7`);
    await settle(page);
    await page.getByRole("img", { name: /Bars of consumption/ }).or(page.getByText("There are no readings")).first().waitFor();
    await done();
  });

});

describe("bills", () => {
  test("one bill: PIX code copied, and the picture is there", async (context) => {
    const { page, done } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await signIn(page);
    await page.goto(`${base}/invoice`);
    await settle(page);
    const open_ = page.getByRole("link", { name: /Waiting for payment|Overdue/ }).first();
    if ((await open_.count()) === 0) return context.skip("this account has no open bill");
    await open_.click();
    await page.waitForFunction(() => location.search.includes("bill="));
    await page.getByRole("button", { name: "Copy PIX code" }).click();
    await page.getByText("PIX code copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(await page.getByLabel("PIX code").inputValue());
    expect(copied).toMatch(/^000201.*6304[0-9A-F]{4}$/);
    const picture = page.getByRole("img", { name: /PIX QR code/ });
    expect(await picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
    await done();
  });

  test("a bill that does not exist says so", async () => {
    const { page, complaints, done } = await open();
    await signIn(page);
    await page.goto(`${base}/invoice?bill=00000000-0000-7000-8000-000000000000`);
    await page.getByText("There is no such bill").waitFor();
    complaints.splice(0, complaints.length, ...complaints.filter((complaint) => !complaint.includes("/api/v1/invoices/")));
    await done();
  });
});

