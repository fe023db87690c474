import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect, retainSearchParams } from "@tanstack/react-router";
import * as v from "valibot";
import { HomeScreen } from "@/home/HomeScreen";
import { historySearch } from "@/shared/period/search";
import { NotFound } from "./NotFound";
import { Shell } from "./Shell";

const text = v.fallback(v.optional(v.string()), undefined);

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  validateSearch: v.object({ home: text }),
  search: { middlewares: [retainSearchParams(["home"])] },
});

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: HomeScreen,
});

const signin = createRoute({
  getParentRoute: () => root,
  path: "/signin",
  beforeLoad: () => {
    throw redirect({ to: "/" });
  },
});

const claim = createRoute({
  getParentRoute: () => root,
  path: "/claim/{-$code}",
  beforeLoad: () => {
    throw redirect({ to: "/" });
  },
});

const history = createRoute({
  getParentRoute: () => root,
  path: "/historic",
  validateSearch: historySearch,
  component: lazyRouteComponent(() => import("@/history/HistoryScreen"), "HistoryScreen"),
});

const invoice = createRoute({
  getParentRoute: () => root,
  path: "/invoice",
  validateSearch: v.object({ bill: text }),
  component: lazyRouteComponent(() => import("@/invoice/InvoiceScreen"), "InvoiceScreen"),
});

const live = createRoute({
  getParentRoute: () => root,
  path: "/live",
  component: lazyRouteComponent(() => import("@/live/LiveScreen"), "LiveScreen"),
});

const tariff = createRoute({
  getParentRoute: () => root,
  path: "/tariff",
  component: lazyRouteComponent(() => import("@/tariff/TariffScreen"), "TariffScreen"),
});

const events = createRoute({
  getParentRoute: () => root,
  path: "/events",
  component: lazyRouteComponent(() => import("@/events/EventsScreen"), "EventsScreen"),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  component: lazyRouteComponent(() => import("@/alerts/AlertsScreen"), "AlertsScreen"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/settings/SettingsScreen"), "SettingsScreen"),
});

// The gallery is for development and for its tests: a production build leaves its code out.
const development = import.meta.env.DEV || import.meta.env.MODE === "gallery"
  ? [
      createRoute({
        getParentRoute: () => root,
        path: "/dev/gallery",
        component: lazyRouteComponent(() => import("@/dev/Gallery"), "Gallery"),
      }),
    ]
  : [];

const screens = [home, signin, claim, history, invoice, live, tariff, events, alerts, settings] as const;

export const router = createRouter({
  routeTree: root.addChildren([...screens, ...development]),
  defaultPreload: "intent",
  scrollRestoration: true,
  // Plain addresses: a link can be read, typed and changed by hand.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const params = new URLSearchParams();
    for (const [key, value] of Object.entries(search)) {
      if (value !== undefined && value !== null && value !== "") params.set(key, String(value));
    }
    const text = params.toString();
    return text === "" ? "" : `?${text}`;
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
