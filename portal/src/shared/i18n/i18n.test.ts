import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTranslate, loadMessages, type Args, type Key } from "./i18n";
import { nearestLocale } from "./locale";

const languages = ["en", "pt-BR", "es"] as const;
const raw = Object.fromEntries(
  languages.map((language) => [language, JSON.parse(readFileSync(new URL(`./${language}.json`, import.meta.url), "utf8")) as Record<string, string>]),
);

const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name))].sort();

test.each(languages)("%s has every text of English, with the same arguments, in the same order", (language) => {
  const [english, other] = [raw["en"] ?? {}, raw[language] ?? {}];
  expect(Object.keys(other)).toEqual(Object.keys(english));
  for (const [key, text] of Object.entries(english)) {
    expect(other[key]?.trim(), key).toBeTruthy();
    // Within a plural the branches are words, so only real arguments are compared.
    if (!text.includes("plural")) expect(names(other[key] ?? ""), key).toEqual(names(text));
  }
});

test.each(languages)("%s can write every one of its texts", async (language) => {
  const messages = await loadMessages(language);
  const t = createTranslate(language, messages);
  const args: Args = new Proxy({}, { get: () => 2, has: () => true, getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) });
  for (const key of Object.keys(messages) as Key[]) expect(t(key, args), key).not.toMatch(/[{}]/);
});

test("no text shouts", () => {
  for (const language of languages) for (const [key, text] of Object.entries(raw[language] ?? {})) expect(text, key).not.toContain("!");
});

test("every text is used, and no file writes its own", () => {
  const source = readdirSync(new URL("../../", import.meta.url), { recursive: true, withFileTypes: true })
    .filter((file) => /\.tsx?$/.test(file.name) && !file.name.includes(".test."))
    .map((file) => readFileSync(`${file.parentPath}/${file.name}`, "utf8"))
    .join("\n");
  for (const key of Object.keys(raw["en"] ?? {})) {
    const family = key.slice(0, key.lastIndexOf("."));
    const built = [...source.matchAll(/`([\w.]+)\.\$\{/g)].some(([, prefix]) => prefix !== undefined && (family === prefix || family.startsWith(`${prefix}.`)));
    expect(built || source.includes(`"${key}"`), `${key} is not used`).toBe(true);
  }
});

test.each([
  ["pt-PT", "pt-BR"],
  ["en-GB", "en"],
  ["es-UY", "es"],
  ["de", "pt-BR"],
  [null, "pt-BR"],
])("%s is served in %s", (tag, expected) => {
  expect(nearestLocale(tag)).toBe(expected);
});
