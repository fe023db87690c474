import { afterEach, expect, test, vi } from "vitest";
import { backoff, connectionAt, LiveStream } from "./live";

afterEach(() => vi.unstubAllGlobals());

test.each([
  [null, 0, 5_000, "connecting"],
  [null, 0, 12_000, "late"],
  [null, 0, 61_000, "offline"],
  [0, 0, 9_000, "live"],
  [0, 0, 39_000, "live"],
  [0, 0, 44_000, "live"],
  [0, 0, 46_000, "late"],
  [0, 0, 60_000, "offline"],
] as const)("heard at %s, opened at %s, now %s is %s", (heard, opened, now, expected) => {
  expect(connectionAt(heard, opened, now)).toBe(expected);
});

test("the pause grows to half a minute and stays there", () => {
  expect(backoff(0, 0.5)).toBe(1000);
  expect(backoff(3, 0.5)).toBe(8000);
  expect(backoff(50, 0.5)).toBe(30_000);
  expect(backoff(50, 0)).toBeGreaterThan(20_000);
});

test("whether the server stores readings is what it said last", () => {
  const page = new EventTarget();
  const sources: EventTarget[] = [];
  const addresses: string[] = [];
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", page);
  vi.stubGlobal(
    "EventSource",
    class extends EventTarget {
      constructor(address: string) {
        super();
        sources.push(this);
        addresses.push(address);
      }
      close() {}
    },
  );
  const stream = new LiveStream("home", "en", () => undefined, () => undefined);
  const says = (name: string, data: object) => sources.at(-1)?.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  stream.start();
  expect(addresses).toEqual(["/api/v1/live?usage_point=home&language=en"]);
  expect(stream.get().storing).toBe(true);
  says("hello", { build: "1", storing: false });
  expect(stream.get()).toMatchObject({ build: "1", storing: false });
  says("ping", {});
  expect(stream.get().storing).toBe(false);
  says("storing", { storing: true });
  expect(stream.get().storing).toBe(true);
  stream.stop();
});
