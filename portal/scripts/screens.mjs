// Pictures of every screen at three widths and in both themes, with real data, none, one day of it, and
// a bad day, for a person to look at: `CORRENTE_URL=… npm run screens [word in the name …]`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const base = process.env.CORRENTE_URL ?? "http://localhost:4005";
const folder = process.env.SCREENS ?? new URL("../../target/screens", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const language = process.env.SCREENS_LANGUAGE ?? "pt-BR";

const usage = (change) => (answer) => {
  const compared = answer.compare && { ...answer.compare, intervals: answer.compare.intervals.map(change) };
  const intervals = answer.intervals.map(change);
  const known = intervals.filter((interval) => interval.wh !== null);
  const sum = (field) => (known.some((interval) => interval[field] !== null) ? known.reduce((total, interval) => total + Number(interval[field] ?? 0), 0).toFixed(2) : null);
  const total = {
    ...answer.total,
    wh: known.length === 0 ? null : known.reduce((all, interval) => all + interval.wh, 0),
    amount: sum("amount"),
    total_amount: sum("total_amount"),
    at_least: known.length > 0 && known.length < intervals.length,
    measured: known.filter((interval) => interval.quality === "measured").length,
    estimated: known.filter((interval) => interval.quality === "estimated").length,
    missing: intervals.length - known.length,
  };
  return { ...answer, intervals, total, compare: compared, change: null };
};
const missing = (interval) => ({ ...interval, wh: null, amount: null, total_amount: interval.fixed_amount, quality: "missing", at_least: false, parts: [] });

/** How the answers of the server are changed, by the end of their path. */
const kinds = {
  real: {},
  none: {
    me: (me) => ({ ...me, usage_points: me.usage_points.map((point) => ({ ...point, first_reading: null })) }),
    home: (home) => ({
      ...home,
      now: { ...home.now, power_w: null, at: null, price_per_hour: null, age_s: null, state: "none", recent: [] },
      bill: null,
      today: { ...home.today, wh: null, amount: null, quality: "missing", expected_wh: null, expected_low_wh: null, expected_high_wh: null, points: [] },
      last_invoice: null,
      alerts: [],
    }),
    usage: (answer) => ({ ...usage(missing)(answer), compare: null, expected_wh: null }),
    invoices: () => ({ invoices: [] }),
    readings: () => ({ readings: [], next: null }),
    alerts: (alerts) => ({ ...alerts, events: [] }),
    events: () => ({ events: [], names: [] }),
  },
  "one-day": {
    me: (me) => ({ ...me, usage_points: me.usage_points.map((point) => ({ ...point, first_reading: `${me.now.slice(0, 10)}T00:15:00${me.now.slice(-6)}` })) }),
    home: (home) => ({ ...home, bill: home.bill && { ...home.bill, day: 1, projected_amount: null, projected_low: null, projected_high: null, previous_amount: null }, today: { ...home.today, expected_wh: null, expected_low_wh: null, expected_high_wh: null }, last_invoice: null, alerts: [] }),
    usage: (answer) => {
      const last = answer.intervals.at(-1)?.start.slice(0, 10);
      return { ...usage((interval) => (interval.start.startsWith(last ?? "-") ? { ...interval, expected_wh: null, expected_amount: null } : missing({ ...interval, expected_wh: null, expected_amount: null })))(answer), expected_wh: null };
    },
    invoices: () => ({ invoices: [] }),
    alerts: (alerts) => ({ ...alerts, events: [] }),
  },
  bad: {
    home: (home) => ({
      ...home,
      now: { ...home.now, state: "silent", age_s: 11_000 },
      bill: home.bill && { ...home.bill, at_least: true, missing: 14, estimated: 9 },
      today: { ...home.today, quality: "missing" },
      last_invoice: home.last_invoice && { ...home.last_invoice, state: "open", due: "2020-01-10" },
    }),
    usage: (answer) => {
      let place = 0;
      return usage((interval) => {
        place += 1;
        if (place % 11 > 7) return missing(interval);
        return place % 7 === 3 && interval.wh !== null ? { ...interval, quality: "estimated" } : interval;
      })(answer);
    },
  },
};

const screens = {
  home: "/",
  live: "/live",
  "history-bill-money": "/historic?p=bill&u=money",
  "history-day": "/historic?p=day&u=kwh",
  "history-week": "/historic?p=week&u=kwh&cmp=prev",
  "history-year": "/historic?p=year&u=money",
  "history-selection": "SELECTION",
  events: "/events",
  tariff: "/tariff",
  bills: "/invoice",
  bill: "BILL",
  alerts: "/alerts",
  settings: "/settings",
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
mkdirSync(folder, { recursive: true });
let count = 0;
for (const [kind, changes] of Object.entries(kinds)) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [390, 768, 1440]) {
      const chosen = Object.entries(screens).filter(([screen]) => wanted.length === 0 || wanted.every((word) => `${kind}-${screen}-${colorScheme}-${width}`.includes(word)));
      if (chosen.length === 0) continue;
      const context = await browser.newContext({ locale: language, colorScheme, viewport: { width, height: width === 390 ? 844 : 900 }, deviceScaleFactor: 1, serviceWorkers: "block", reducedMotion: "reduce" });
      await context.addCookies([{ name: "lang", value: language, url: base }]);
      const page = await context.newPage();
      await page.goto(`${base}/signin`);
      const account = Number(process.env.SCREENS_ACCOUNT ?? 0);
      await page.getByRole("list").getByRole("button").nth(account).click();
      await page.waitForSelector("nav a >> visible=true");
      await page.request.patch(`${base}/api/v1/me`, { data: { language }, headers: { origin: base, "sec-fetch-site": "same-origin" } });
      const me = await (await page.request.get(`${base}/api/v1/me`)).json();
      const home = me.usage_points[0].id;
      const { invoices } = await (await page.request.get(`${base}/api/v1/usage-points/${home}/invoices`)).json();
      const noon = Math.floor(Date.parse(me.now) / 1000 / 86_400) * 86_400 - 43_200;
      for (const [end, change] of Object.entries(changes)) {
        await page.route((url) => url.pathname.startsWith("/api/") && url.pathname.endsWith(`/${end}`), async (route) => {
          if (route.request().method() !== "GET") return route.fallback();
          const response = await route.fetch();
          await route.fulfill({ response, json: change(await response.json()) });
        });
      }
      if (kind === "none") await page.route("**/api/v1/live**", (route) => route.abort());
      for (const [screen, address] of chosen) {
        const path = address
          .replace("SELECTION", `/historic?p=day&from=${new Date(noon * 1000).toISOString().slice(0, 10)}&sel=${noon}..${noon + 7200}`)
          .replace("BILL", `/invoice?bill=${(invoices.find(({ state }) => state === "open") ?? invoices[0])?.id}`);
        await page.goto(base + path);
        await page.waitForSelector("h1");
        await page.waitForFunction(() => document.querySelectorAll('[aria-busy="true"]').length === 0).catch(() => undefined);
        await page.waitForTimeout(350);
        await page.screenshot({ path: join(folder, `${kind}-${screen}-${colorScheme}-${width}.png`), fullPage: true });
        count += 1;
      }
      await context.close();
    }
  }
}
await browser.close();
console.log(`${count} pictures in ${folder}`);
