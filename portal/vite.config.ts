import { fileURLToPath } from "node:url";
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
      handler(_html, context) {
        const tags: HtmlTagDescriptor[] = [];
        const files = Object.values(context.bundle ?? {});
        const main = files.find((file) => file.type === "chunk" && file.name === "main");
        if (main?.type === "chunk") {
          for (const href of [main.fileName, ...main.imports]) {
            tags.push({ tag: "link", attrs: { rel: "modulepreload", href: `/${href}` }, injectTo: "head" });
          }
        }
        const font = files.find((file) => file.fileName.endsWith(".woff2"));
        if (font) {
          const attrs = { rel: "preload", as: "font", type: "font/woff2", href: `/${font.fileName}`, crossorigin: "" };
          tags.push({ tag: "link", attrs, injectTo: "head" });
        }
        return tags;
      },
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), preloadFirstPaint()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: ["chrome125", "firefox128", "safari18"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    proxy: { "/api": { target: process.env["CORRENTE_URL"] ?? "http://localhost:4005", changeOrigin: false } },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    globals: false,
    env: { TZ: "America/Bahia" },
  },
});
