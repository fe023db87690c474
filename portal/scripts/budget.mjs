// The budgets of the built files. A figure above its gate fails the build.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const root = new URL("../dist/", import.meta.url).pathname;
const page = readFileSync(join(root, "index.html"), "utf8");
const gzip = (file) => gzipSync(readFileSync(join(root, file)), { level: 9 }).length / 1000;
const files = readdirSync(join(root, "assets")).map((name) => `assets/${name}`);
const scripts = files.filter((name) => name.endsWith(".js"));

// First paint needs what the page names and what those files import, one language, and the largest route.
const needed = new Set();
function need(file) {
  if (needed.has(file)) return;
  needed.add(file);
  const code = readFileSync(join(root, file), "utf8");
  for (const [, name] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) need(`assets/${name}`);
}
for (const [, name] of page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)) need(name);
const languages = scripts.filter((name) => /\/(pt-BR|en|es)-/.test(name)).map(gzip);
const home = scripts.filter((name) => /\/HomeScreen-/.test(name));
home.forEach(need);

const first = [...needed].reduce((sum, file) => sum + gzip(file), 0) + Math.max(0, ...languages);
const lazy = Math.max(0, ...scripts.filter((name) => !needed.has(name)).map(gzip));
const styles = files.filter((name) => name.endsWith(".css")).reduce((sum, file) => sum + gzip(file), 0);
const font = files.filter((name) => name.endsWith(".woff2")).reduce((sum, file) => sum + readFileSync(join(root, file)).length / 1000, 0);

let failed = false;
for (const [what, kilobytes, target, gate] of [
  ["JavaScript at first paint, gzip", first, 140, 150],
  ["largest lazy chunk, gzip", lazy, 30, 40],
  ["style, gzip", styles, 12, 20],
  ["font", font, 35, 50],
]) {
  const verdict = kilobytes > gate ? "FAILS" : kilobytes > target ? "above target" : "ok";
  failed ||= kilobytes > gate;
  console.log(`${what.padEnd(34)} ${kilobytes.toFixed(1).padStart(6)} kB  target ${target}  gate ${gate}  ${verdict}`);
}
if (failed) process.exit(1);
