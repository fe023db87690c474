import { describe, expect, test } from "vitest";
import { fromMinor, isNegative, isZero, sum, toMinor } from "./decimal";
import { createFormat } from "./format";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");
const pt = createFormat("pt-BR", "America/Bahia", "BRL");
const en = createFormat("en", "Europe/London", "GBP");
const es = createFormat("es", "America/Montevideo", "UYU");

describe("energy", () => {
  test.each([
    [0, "0 Wh"],
    [999, "999 Wh"],
    [1234, "1,23 kWh"],
    [34_250, "34,3 kWh"],
    [1_234_567, "1.235 kWh"],
  ])("%i Wh in Brazil is %s", (wh, expected) => {
    expect(plain(pt.energyText(wh))).toBe(expected);
  });

  test("tables show every watt-hour", () => {
    expect(plain(pt.energyExact(12_345_678))).toBe("12.345,678 kWh");
    expect(plain(en.energyExact(12_345_678))).toBe("12,345.678 kWh");
  });

  test("power changes its unit at a kilowatt", () => {
    expect(en.powerText(999)).toBe("999 W");
    expect(en.powerText(1240)).toBe("1.24 kW");
  });
});

describe("money", () => {
  test.each([
    [pt, "1234.56", "R$ 1.234,56"],
    [en, "1234.56", "£1,234.56"],
    [pt, "-0.05", "-R$ 0,05"],
  ])("is written as the reader writes it (%#)", (format, decimal, expected) => {
    expect(plain(format.money(decimal))).toBe(expected);
  });

  test("has more digits than a float and loses none", () => {
    expect(plain(pt.money("90071992547409931.21"))).toBe("R$ 90.071.992.547.409.931,21");
  });

  test("a unit price keeps its digits", () => {
    expect(plain(pt.price("0.46381"))).toBe("R$ 0,46381");
  });

  test("amounts are added exactly", () => {
    expect(sum(["0.10", "0.20", "-0.30"])).toBe("0.00");
    expect(fromMinor(toMinor("-12.3", 2), 2)).toBe("-12.30");
    expect([isNegative("-0.00"), isZero("-0.00"), isNegative("-0.01")]).toEqual([false, true, true]);
  });
});

describe("percent", () => {
  test("has no sign: words say the direction", () => {
    expect(pt.percent("-12.4")).toBe("12%");
  });
});

describe("time", () => {
  test("is the usage point's, not the device's", () => {
    expect(pt.time("2026-11-23T17:05:00Z")).toBe("14:05");
    expect(en.time("2026-11-23T17:05:00Z")).toBe("05:05 PM");
    expect(es.time("2026-11-23T17:05:00Z")).toBe("14:05");
  });

  test("a civil date does not move with the zone", () => {
    expect(pt.civilDay("2026-11-01")).toBe("1 de novembro de 2026");
  });

  test("the last day of a period is the one before its end", () => {
    expect(pt.lastDay("2026-12-01T00:00:00-03:00")).toBe("2026-11-30");
    expect(pt.lastDay("2026-12-01")).toBe("2026-11-30");
  });
});
