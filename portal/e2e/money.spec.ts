import { afterAll, expect, test } from "vitest";
import { ask, base, close, open, ownHome, settle, signIn } from "./browser";

afterAll(close);

interface Invoice {
  id: string;
  amount: string;
  from: string;
  to: string;
  state: string;
}

const cents = (text: string) => Math.round(Number(text.replace(/[^\d.-]/g, "")) * 100);

test("the bars of a bill add up to the bill, to the cent", async () => {
  const { page, done } = await open();
  await signIn(page);
  const home = await ownHome(page);
  const { invoices } = await ask<{ invoices: Invoice[] }>(page, `/usage-points/${home}/invoices`);
  for (const invoice of invoices.slice(0, 2)) {
    await page.goto(`${base}/historic?p=bill&from=${invoice.from.slice(0, 10)}&u=money&cmp=none`);
    await settle(page);
    await page.getByText("As a table").first().click();
    const rows = page.locator("figure table.data").first();
    const amounts = await rows.locator("tbody tr").evaluateAll((found) => found.map((row) => row.querySelectorAll("td.num")[row.querySelectorAll("td.num").length - 1]?.textContent ?? ""));
    expect(amounts.reduce((sum, text) => sum + cents(text), 0), invoice.from).toBe(cents(invoice.amount));
    // What is drawn has the heights of what is written, the pale base of each bar included.
    const drawn = await page.locator("figure svg[role=img] g[data-bar]").evaluateAll((bars) => bars.map((bar) => [...bar.querySelectorAll("path")].reduce((sum, path) => sum + (path as SVGGraphicsElement).getBBox().height, 0)));
    const scale = Math.max(...drawn) / Math.max(...amounts.map(cents));
    amounts.map(cents).forEach((amount, index) => expect(Math.abs((drawn[index] ?? 0) - amount * scale), `bar ${index}`).toBeLessThan(1.5));
  }
  // The running bill says on Home what its bars add up to.
  const { bill } = await ask<{ bill: { amount: string } | null }>(page, `/usage-points/${home}/home`);
  if (bill) {
    await page.goto(`${base}/historic?p=bill&u=money&cmp=none`);
    await settle(page);
    const shown = cents((await page.locator("h1 .numeral").textContent()) ?? "");
    const now = (await ask<{ bill: { amount: string } }>(page, `/usage-points/${home}/home`)).bill;
    // Readings go on coming between the two questions.
    expect(shown).toBeGreaterThanOrEqual(cents(bill.amount) - 1);
    expect(shown).toBeLessThanOrEqual(cents(now.amount) + 1);
  }
  await done();
});

test("the price beside the power belongs to it", async () => {
  const { page, done } = await open();
  await signIn(page);
  // Remember each power with the price that the server sent with it.
  await page.addInitScript(() => {
    const seen: Record<string, string | null> = {};
    (window as unknown as { seen: typeof seen }).seen = seen;
    const add = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (this: EventSource, name: string, listener: unknown, options?: unknown) {
      const wrapped = (event: Event) => {
        const data = name === "power" || name === "snapshot" ? (JSON.parse((event as MessageEvent<string>).data) as { w?: number; power_w?: number; price_per_hour: string | null }) : null;
        if (data) seen[String(data.w ?? data.power_w)] = data.price_per_hour;
        (listener as (event: Event) => void)(event);
      };
      (add as (...of: unknown[]) => void).call(this, name, wrapped, options);
    } as typeof EventSource.prototype.addEventListener;
  });
  await page.goto(`${base}/live`);
  await settle(page);
  for (let round = 0; round < 6; round += 1) {
    const [power, price, known] = await page.evaluate(() => {
      const figure = document.querySelector("main .numeral");
      return [figure?.textContent ?? "", figure?.nextElementSibling?.textContent ?? "", (window as unknown as { seen: Record<string, string | null> }).seen] as const;
    });
    const watts = /kW/.test(power) ? null : Number(power.replace(/\D/g, ""));
    if (watts !== null && known[String(watts)]) expect(price, `${watts} W`).toContain(known[String(watts)] ?? "");
    await page.waitForTimeout(1000);
  }
  await done();
});
