import { fileURLToPath } from "node:url";
import { parse } from "@formatjs/icu-messageformat-parser";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { HtmlTagDescriptor, Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The page paints only once the program, its style, the font and who is signed in are there. The browser would
// discover the last two a round trip late: these hints ask for them with the page. The server adds those that
// depend on who asks (the language's texts, the home's figures).
function preloadFirstPaint(): Plugin {
  return {
    name: "preload-first-paint",
    enforce: "post",
    transformIndexHtml: {
      order: "post",
      handler(_, context) {
        const hint = (href: string, attrs: Record<string, string>): HtmlTagDescriptor => ({ tag: "link", attrs: { rel: "preload", ...attrs, href, crossorigin: "" }, injectTo: "head" });
        const fonts = Object.keys(context.bundle ?? {}).filter((name) => name.endsWith(".woff2"));
        return [...fonts.map((name) => hint(`/${name}`, { as: "font", type: "font/woff2" })), ...["/api/v1/me", "/api/v1/options"].map((href) => hint(href, { as: "fetch" }))];
      },
    },
  };
}

// Messages are parsed here, so that the parser (a tenth of the budget) stays out of the page.
function compileMessages(): Plugin {
  return {
    name: "compile-messages",
    enforce: "pre",
    transform(code, id) {
      if (!/\/i18n\/[\w-]+\.json$/.test(id)) return null;
      const messages = Object.entries(JSON.parse(code) as Record<string, string>).map(([key, text]) => [
        key,
        text.includes("{") ? parse(text, { captureLocation: false }) : text,
      ]);
      return { code: `export default ${JSON.stringify(Object.fromEntries(messages))};`, map: null, moduleType: "js" };
    },
  };
}

export default defineConfig({
  plugins: [compileMessages(), react(), tailwindcss(), preloadFirstPaint()],
  resolve: {
    alias: [
      { find: "@", replacement: fileURLToPath(new URL("./src", import.meta.url)) },
      { find: /^@formatjs\/icu-messageformat-parser$/, replacement: "@formatjs/icu-messageformat-parser/no-parser.js" },
    ],
  },
  build: {
    target: ["chrome125", "firefox128", "safari18"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // Few files: on a phone each one costs a round trip more than its bytes.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: "chart", test: /src\/shared\/(chart\/(?!MeterLine|lazy)|ui\/NameStretch)|node_modules\/(d3-|internmap)/, priority: 2 },
            { name: "main", test: /src\/(main|shared\/(?!i18n\/.*json)|app\/(?!FirstSteps)|home\/|signin\/(?!ClaimScreen))|node_modules|preload-helper/, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: { "/api": { target: process.env["CORRENTE_URL"] ?? "http://localhost:4005", changeOrigin: false } },
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}"],
    globals: false,
    env: { TZ: "America/Bahia" },
  },
});
