import { afterAll, describe, expect, test } from "vitest";
import { base, close, open, overflow, screensOf, settle, signIn, violations } from "./browser";

afterAll(close);

const strangers = ["/signin", "/claim", "/claim/ABCD-EFGH"];

describe("every screen", () => {
  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 390],
    ["dark", 390],
  ] as const)("has no violation of WCAG in %s at %i px", async (colorScheme, width) => {
    const { page, done } = await open({ colorScheme, bypassCSP: true, viewport: { width, height: 900 } });
    for (const screen of strangers) {
      await page.goto(base + screen);
      await page.waitForSelector("form");
      expect(await violations(page), screen).toEqual([]);
    }
    await signIn(page);
    for (const screen of await screensOf(page)) {
      await page.goto(base + screen);
      await settle(page);
      expect(await violations(page), screen).toEqual([]);
    }
    await done();
  }, 180_000);

  test.each([
    [320, "100%"],
    [640, "200%"],
  ] as const)("has no sideways scroll at %i px with text at %s", async (width, size) => {
    const { page, done } = await open({ viewport: { width, height: 640 } });
    const check = async (screen: string) => {
      await page.evaluate((value) => {
        document.documentElement.style.fontSize = value;
      }, size);
      await page.waitForTimeout(100);
      expect(await overflow(page), screen).toBeLessThanOrEqual(0);
    };
    for (const screen of strangers) {
      await page.goto(base + screen);
      await page.waitForSelector("form");
      await check(screen);
    }
    await signIn(page, "pt-BR");
    for (const screen of await screensOf(page)) {
      await page.goto(base + screen);
      await settle(page);
      await check(screen);
    }
    await done();
  }, 180_000);

  test.each(["pt-BR", "en", "es"])("is written in %s without a key showing", async (language) => {
    const { page, done } = await open({ locale: language });
    await signIn(page, language);
    for (const screen of await screensOf(page)) {
      await page.goto(base + screen);
      await settle(page);
      const text = await page.evaluate(() => document.body.innerText);
      expect(text, screen).not.toMatch(/\b(nav|home|history|invoice|alerts|settings|quality|tariff|events|selection|lines)\.[a-z]|undefined|NaN|fora_ponta|\bintermediario\b/);
    }
    await done();
  }, 120_000);

  test("hides no focus behind what sticks to its edges", async () => {
    const { page, done } = await open({ viewport: { width: 390, height: 700 } });
    await signIn(page);
    for (const screen of await screensOf(page)) {
      await page.goto(base + screen);
      await settle(page);
      for (let step = 0; step < 40; step += 1) {
        await page.keyboard.press("Tab");
        const hidden = await page.evaluate(() => {
          const element = document.activeElement;
          if (!element || element === document.body || element.matches(".sr-only, .scrubber")) return null;
          const box = element.getBoundingClientRect();
          if (box.width === 0 || box.height === 0) return null;
          const at = document.elementFromPoint(box.x + Math.min(box.width, window.innerWidth - box.x) / 2, Math.max(0, box.y) + Math.min(box.height, window.innerHeight) / 2);
          const seen = at !== null && (element.contains(at) || at.contains(element) || at.closest("label")?.contains(element) === true);
          return seen ? null : `${element.tagName} ${element.textContent?.slice(0, 30)} under ${at?.tagName} ${at?.className}`;
        });
        expect(hidden, screen).toBeNull();
      }
    }
    await done();
  }, 180_000);

  test("moves nothing for those who asked for that, and stays drawn in forced colours", async () => {
    const { page, done } = await open({ reducedMotion: "reduce", forcedColors: "active", colorScheme: "dark" });
    await signIn(page);
    for (const screen of await screensOf(page)) {
      await page.goto(base + screen);
      await settle(page);
      const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) => {
        const style = getComputedStyle(element);
        return [style.transitionDuration, style.animationDuration].some((list) => list.split(",").some((time) => parseFloat(time) > 0.011));
      }).length);
      expect(moving, screen).toBe(0);
      // A bar that has the colour of the paper would be gone.
      const gone = await page.evaluate(() => [...document.querySelectorAll(".bar")].filter((bar) => getComputedStyle(bar).stroke === "none").length);
      expect(gone, screen).toBe(0);
    }
    await done();
  }, 120_000);
});

test("a server without a home shows its first steps, one whose code is wrong says so", async () => {
  const { page, done } = await open({ bypassCSP: true, reducedMotion: "reduce" });
  await page.route("**/api/v1/me", async (route) => {
    const now = new Date().toISOString();
    await route.fulfill({
      json: { user: { id: "0", name: "Ada", email: "ada@example.com", role: "admin", language: "en", theme: null }, usage_points: [], lab_id: null, now, language: "en", theme: null },
    });
  });
  await page.goto(base);
  await page.getByRole("heading", { level: 1 }).waitFor();
  for (const [colorScheme, width] of [["light", 1280], ["dark", 390], ["light", 320]] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    expect(await violations(page), `${colorScheme} ${width}`).toEqual([]);
    expect(await overflow(page), String(width)).toBeLessThanOrEqual(0);
  }
  await done();
});
