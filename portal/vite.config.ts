import { fileURLToPath } from "node:url";
import { parse } from "@formatjs/icu-messageformat-parser";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { HtmlTagDescriptor, Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The page paints only once the program, its style and the font are there. The entry asks for the
// program by a dynamic import (so that the translation loads beside it), which the browser would
// discover a round trip late: these hints start all of them with the page.
function preloadFirstPaint(): Plugin {
  return {
    name: "preload-first-paint",
    enforce: "post",
    transformIndexHtml: {
      order: "post",
      handler(html, context) {
        const tags: HtmlTagDescriptor[] = [];
        const files = Object.values(context.bundle ?? {});
        for (const main of files) {
          if (main.type !== "chunk" || main.name !== "main") continue;
          for (const href of [main.fileName, ...main.imports]) {
            if (!html.includes(href) && !tags.some((tag) => tag.attrs?.["href"] === `/${href}`)) tags.push({ tag: "link", attrs: { rel: "modulepreload", crossorigin: "", href: `/${href}` }, injectTo: "head" });
          }
        }
        const font = files.find((file) => file.fileName.endsWith(".woff2"));
        if (font) {
          const attrs = { rel: "preload", as: "font", type: "font/woff2", href: `/${font.fileName}`, crossorigin: "" };
          tags.push({ tag: "link", attrs, injectTo: "head" });
        }
        // Who is signed in is asked as soon as the page is there, not when its program is.
        for (const href of ["/api/v1/me", "/api/v1/options"]) {
          tags.push({ tag: "link", attrs: { rel: "preload", as: "fetch", href, crossorigin: "" }, injectTo: "head" });
        }
        return tags;
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
            { name: "boot", test: /src\/shared\/(i18n\/(messages|locale)|session\/preferences)\.ts|preload-helper|rolldown\/runtime/, priority: 3 },
            { name: "chart", test: /src\/shared\/(chart\/(?!MeterLine|lazy)|ui\/NameStretch)|node_modules\/(d3-|internmap)/, priority: 2 },
            { name: "main", test: /src\/(main|shared\/(?!i18n\/(.*json|messages|locale)|session\/preferences|tokens)|app\/(?!FirstSteps)|home\/|signin\/(?!ClaimScreen))|node_modules/, priority: 1 },
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
