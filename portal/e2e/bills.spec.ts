import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { ask, base, close, open, ownHome, settle, signIn } from "./browser";

afterAll(close);

/** Opens the newest bill that waits to be paid, or the newest one. */
async function openBill(page: Page): Promise<{ id: string; open: boolean }> {
  const home = await ownHome(page);
  const { invoices } = await ask<{ invoices: { id: string; state: string }[] }>(page, `/usage-points/${home}/invoices`);
  const bill = invoices.find(({ state }) => state === "open") ?? invoices[0];
  if (!bill) throw new Error("the account has no bill");
  await page.goto(`${base}/invoice?bill=${bill.id}`);
  await settle(page);
  return { id: bill.id, open: bill.state === "open" };
}

const hasPdfToText = (() => {
  try {
    execFileSync("pdftotext", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("a bill has its document, its lines as a file, and lines that open to readings", async () => {
  const { page, done } = await open();
  await signIn(page);
  const { id } = await openBill(page);
  for (const [name, kind] of [
    ["document.pdf", "application/pdf"],
    ["document.csv", "text/csv"],
  ] as const) {
    const answer = await page.request.get(`${base}/api/v1/invoices/${id}/${name}`);
    expect(answer.headers()["content-type"]).toContain(kind);
  }
  await page.getByRole("link", { name: "PDF" }).waitFor();
  await page.getByText(/Next reading about/).waitFor();
  await page.getByRole("link", { name: /Show the readings/ }).first().click();
  await page.waitForFunction(() => location.pathname === "/historic" && location.search.includes("p=custom"));
  await settle(page);
  await page.locator("table.data").first().waitFor();
  await done();
});

test("a link opens the bill for a stranger until it is taken back", async () => {
  const { page, done } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  await signIn(page);
  await openBill(page);
  const menu = page.getByRole("main").getByRole("button", { name: "More" });
  await menu.click();
  await page.getByRole("button", { name: "Share by link" }).click();
  await page.getByText(/Link copied/).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const stranger = await fetch(link);
  expect([stranger.status, stranger.headers.get("content-type")]).toEqual([200, "application/pdf"]);
  await menu.click();
  await page.getByRole("button", { name: "Take shared links back" }).click();
  await page.getByText(/no longer open/).waitFor();
  expect((await fetch(link)).status).toBe(404);
  await done();
});

test.skipIf(!hasPdfToText)("on paper a bill has its code and its lines, and no navigation", async () => {
  const { page, done } = await open();
  await signIn(page);
  const bill = await openBill(page);
  const { lines, pix } = await ask<{ lines: { label: string }[]; pix: { payload: string } | null }>(page, `/invoices/${bill.id}`);
  const folder = mkdtempSync(join(tmpdir(), "corrente-print-"));
  try {
    writeFileSync(join(folder, "bill.pdf"), await page.pdf({ format: "A4", printBackground: true }));
    execFileSync("pdftotext", ["-raw", join(folder, "bill.pdf"), join(folder, "bill.txt")]);
    const text = readFileSync(join(folder, "bill.txt"), "utf8");
    const tight = text.replace(/\s+/g, "");
    for (const { label } of lines) expect(tight).toContain(label.replaceAll("_", "").replace(/\s+/g, ""));
    if (bill.open && pix) expect(tight).toContain(pix.payload.replace(/\s+/g, ""));
    for (const word of ["Copy PIX code", "Settings", "All bills"]) expect(text).not.toContain(word);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await done();
});
