import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const features = ["signin", "home", "history", "invoice", "alerts", "live", "tariff", "events", "settings"];

// A call that has a better one. Each line is here because the wrong one looks harmless.
const wrongCalls = [
  { selector: "CallExpression[callee.name='fetch']", message: "Use shared/api: it carries types, errors and the session." },
  { selector: "CallExpression[callee.name='parseFloat']", message: "Amounts are decimal strings: use shared/format/decimal." },
  { selector: "CallExpression[callee.property.name='parseFloat']", message: "Use shared/format/decimal." },
  { selector: "CallExpression[callee.property.name='toFixed']", message: "Use shared/format: a figure is written in the reader's locale." },
  { selector: "CallExpression[callee.property.name='toLocaleString']", message: "Use shared/format: it knows the locale and the usage point's zone." },
  { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "No markup from strings: Trusted Types forbids it." },
  { selector: "MemberExpression[property.name='innerHTML']", message: "No markup from strings: Trusted Types forbids it." },
  { selector: "MemberExpression[object.name='localStorage']", message: "Nothing is kept in localStorage." },
];

const fences = features.map((feature) => ({
  files: [`src/${feature}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: [...features.filter((other) => other !== feature), "app"].flatMap((other) => [`@/${other}/*`, `../${other}/*`, `../../${other}/*`]),
            message: "A feature never imports another feature: move what both need to shared.",
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ["dist", "src/shared/api/schema.d.ts"] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  hooks.configs.flat.recommended,
  { files: ["src/**/*.{ts,tsx}"], rules: { "no-restricted-syntax": ["error", ...wrongCalls] } },
  ...fences,
  {
    files: ["src/shared/**/*.{ts,tsx}"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: [...features, "app"].map((feature) => `@/${feature}/*`), message: "Shared code knows no feature." }] },
      ],
    },
  },
  { files: ["public/sw.js"], languageOptions: { globals: { self: "readonly", caches: "readonly", fetch: "readonly", URL: "readonly", Response: "readonly", Headers: "readonly" } } },
  { files: ["scripts/**", "e2e/**"], languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly", fetch: "readonly", setTimeout: "readonly", document: "readonly" } } },
  { rules: { "@typescript-eslint/consistent-type-imports": "error" } },
);
