import { afterAll, expect, test } from "vitest";
import { base, close, open, settle, signIn } from "./browser";

afterAll(close);

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

// Times depend on the machine, so they are printed; what fails is far above what any machine needs.
test("Home on a phone: LCP at 1.6 Mbit/s, 150 ms and a quarter of the processor", async () => {
  const times: number[] = [];
  const shifts: number[] = [];
  let requests = 0;
  for (let round = 0; round < 3; round += 1) {
    const { page } = await open({ viewport: { width: 390, height: 844 }, serviceWorkers: "block" });
    await signIn(page);
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.clearBrowserCache");
    await session.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 94_000 });
    await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    requests = 0;
    page.on("request", () => (requests += 1));
    await page.goto(`${base}/`);
    await page.waitForSelector("main .numeral", { timeout: 30_000 });
    await page.waitForTimeout(1500);
    const found = await page.evaluate(
      () =>
        new Promise<{ lcp: number; cls: number }>((end) => {
          let lcp = 0;
          let cls = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) lcp = entry.startTime;
          }).observe({ type: "largest-contentful-paint", buffered: true });
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) cls += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => end({ lcp, cls }), 300);
        }),
    );
    times.push(found.lcp);
    shifts.push(found.cls);
    await page.context().close();
  }
  console.log(`LCP ${Math.round(median(times))} ms (target 1800), CLS ${median(shifts).toFixed(3)} (target 0.02), ${requests} requests`);
  expect(median(times)).toBeLessThan(6000);
  expect(median(shifts)).toBeLessThan(0.1);
}, 180_000);

test("period, unit and compare answer at once at a quarter of the processor", async () => {
  const { page, done } = await open({ viewport: { width: 390, height: 844 } });
  await signIn(page);
  await page.goto(`${base}/historic?p=month`);
  await settle(page);
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await page.evaluate(() => {
    const slowest = { value: 0 };
    (window as unknown as { slowest: typeof slowest }).slowest = slowest;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) slowest.value = Math.max(slowest.value, entry.duration);
    }).observe({ type: "event", durationThreshold: 16, buffered: true } as PerformanceObserverInit);
  });
  await page.getByRole("radio", { name: "R$" }).click();
  await page.waitForTimeout(600);
  await page.getByRole("radio", { name: "Week" }).click();
  await page.waitForTimeout(900);
  await page.getByRole("radio", { name: "Month" }).click();
  await page.waitForTimeout(900);
  const slowest = await page.evaluate(() => (window as unknown as { slowest: { value: number } }).slowest.value);
  console.log(`slowest interaction ${slowest} ms (target 100)`);
  expect(slowest).toBeLessThan(1000);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await done();
});
