import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { base, close, open, overflow, settle, signIn, violations } from "./browser";

const portal = new URL("..", import.meta.url).pathname;
const pictures = join(portal, "..", "target", "screens", "gallery");
const kinds: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json" };
let built = "";

beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), "corrente-gallery-"));
  execFileSync(join(portal, "node_modules/.bin/vite"), ["build", "--mode", "gallery", "--outDir", built, "--logLevel", "error"], { cwd: portal, stdio: "inherit" });
  mkdirSync(pictures, { recursive: true });
}, 120_000);

afterAll(async () => {
  await close();
  rmSync(built, { recursive: true, force: true });
});

/** The files of the gallery's build in place of the server's, under the server's own policy. */
async function showGallery(page: Page) {
  const headers = (await page.request.get(base)).headers();
  const policy = { "content-security-policy": headers["content-security-policy"] ?? "" };
  await page.route(
    (url) => url.origin === new URL(base).origin && !url.pathname.startsWith("/api/"),
    async (route) => {
      const { pathname } = new URL(route.request().url());
      const file = join(built, pathname);
      const found = extname(pathname) !== "" && existsSync(file) ? file : join(built, "index.html");
      await route.fulfill({ body: readFileSync(found), headers: { ...policy, "content-type": kinds[extname(found)] ?? "application/octet-stream" } });
    },
  );
}

describe("every component in every state", () => {
  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 390],
    ["dark", 390],
  ] as const)("in %s at %i px", async (colorScheme, width) => {
    // Once under the policy, once with axe, which needs to be let in.
    for (const bypassCSP of [false, true]) {
      const { page, done } = await open({ colorScheme, bypassCSP, viewport: { width, height: 900 }, serviceWorkers: "block", reducedMotion: "reduce" });
      await signIn(page);
      await showGallery(page);
      await page.goto(`${base}/dev/gallery`);
      await page.getByRole("heading", { name: "Gallery" }).waitFor();
      // A card that waits stands in it on purpose: not `settle`, which waits for it.
      await page.waitForTimeout(500);
      if (bypassCSP) expect(await violations(page)).toEqual([]);
      else {
        expect(await overflow(page)).toBeLessThanOrEqual(0);
        for (const name of ["Menu"]) await page.getByRole("button", { name }).first().click();
        await page.screenshot({ path: join(pictures, `${colorScheme}-${width}.png`), fullPage: true });
        await page.keyboard.press("Escape");
        expect(await page.locator(".menu").count()).toBe(0);
      }
      await done();
    }
  }, 120_000);

  test("is in no other build", async () => {
    const { page, done } = await open();
    await signIn(page);
    await page.goto(`${base}/dev/gallery`);
    await settle(page);
    expect(await page.getByRole("heading", { name: "Gallery" }).count()).toBe(0);
    await done();
  });
});
