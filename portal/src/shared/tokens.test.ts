import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");
const tokens = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [name, { light, dark }]));

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

// What is written on what: text needs 4.5, shapes that mean something need 3.
test.each([
  ["ink", "page", 7],
  ["ink", "card", 7],
  ["ink", "sunk", 7],
  ["ink", "warning-soft", 7],
  ["ink", "danger-soft", 7],
  ["muted", "page", 6],
  ["muted", "card", 6],
  ["muted", "sunk", 4.5],
  ["muted", "warning-soft", 4.5],
  ["brand", "page", 4.5],
  ["brand", "card", 4.5],
  ["brand", "brand-soft", 4.5],
  ["brand", "danger-soft", 4.5],
  ["on-brand", "brand", 4.5],
  ["ok", "card", 4.5],
  ["warning", "card", 4.5],
  ["danger", "card", 4.5],
  ["page", "danger", 4.5],
  ["off-peak", "card", 3],
  ["shoulder", "card", 3],
  ["peak", "card", 3],
  ["past", "card", 3],
  ["control", "card", 3],
] as const)("%s on %s has at least %d", (front, back, least) => {
  for (const theme of ["light", "dark"] as const) {
    const [one, other] = [tokens.get(front)?.[theme], tokens.get(back)?.[theme]];
    if (!one || !other) throw new Error(`no token ${front} or ${back}`);
    expect(contrast(one, other), theme).toBeGreaterThanOrEqual(least);
  }
});

test("white is readable on the welcome panel", () => {
  for (const theme of ["light", "dark"] as const) expect(contrast("#FFFFFF", tokens.get("welcome")?.[theme] ?? "#FFFFFF")).toBeGreaterThanOrEqual(4.5);
});
