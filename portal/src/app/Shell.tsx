import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { storedAnswer } from "@/shared/api/client";
import { queries } from "@/shared/api/queries";
import { useI18n, useT, type Key } from "@/shared/i18n/i18n";
import { LiveProvider, useLive } from "@/shared/session/live";
import { SessionProvider, useSession } from "@/shared/session/session";
import { Select } from "@/shared/ui/Choice";
import { cx } from "@/shared/ui/cx";
import { Icon, Mark, type IconName } from "@/shared/ui/icons";
import { toast } from "@/shared/ui/toast";

// Once in the life of a server: not for everybody who comes later.
const FirstSteps = lazy(async () => ({ default: (await import("./FirstSteps")).FirstSteps }));

const places = [
  { to: "/", icon: "home", key: "nav.home" },
  { to: "/live", icon: "live", key: "nav.live" },
  { to: "/historic", icon: "history", key: "nav.history" },
  { to: "/invoice", icon: "invoice", key: "nav.invoice" },
  { to: "/alerts", icon: "bell", key: "nav.alerts" },
] as const satisfies readonly { to: string; icon: IconName; key: Key }[];

/** What a phone's bar has no room for: they stand in the rail, and on top of the settings. */
const more = [
  { to: "/events", icon: "tag", key: "nav.events" },
  { to: "/tariff", icon: "clock", key: "nav.tariff" },
] as const satisfies readonly { to: string; icon: IconName; key: Key }[];

/** The frame of every page for a person who is signed in. */
export function Shell() {
  const { t, locale } = useI18n();
  const me = useQuery(queries.me()).data;
  const options = useQuery(queries.options()).data;
  // Only the home: another period is no reason to draw the frame again.
  const home = useSearch({ strict: false, select: (search) => search.home });
  if (!me || !options) return null;
  const usagePoint = me.usage_points.find((point) => point.id === home) ?? me.usage_points[0];
  if (!usagePoint && me.user?.role === "admin") {
    return (
      <Suspense fallback={<div className="min-h-dvh" aria-busy="true" />}>
        <FirstSteps />
      </Suspense>
    );
  }
  if (!usagePoint) {
    return (
      <main className="grid min-h-dvh place-items-center p-6">
        <div className="card grid max-w-md gap-3">
          <h1 className="text-lg font-semibold">{t("shell.noHome")}</h1>
          <p className="text-muted">{t("shell.noHomeDetail")}</p>
        </div>
      </main>
    );
  }
  return (
    <SessionProvider me={me} options={options} usagePoint={usagePoint}>
      <LiveProvider usagePoint={usagePoint.id} language={locale}>
        <Frame />
        <Announcer />
      </LiveProvider>
    </SessionProvider>
  );
}

function Frame() {
  const t = useT();
  const { usagePoint } = useSession();
  const main = useRef<HTMLElement>(null);
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const first = useRef(true);
  // A new page begins at its top for those who read with a screen reader, too.
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return (
    <div className="rail:grid rail:grid-cols-[15rem_minmax(0,1fr)]">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-xl focus:bg-card focus:p-3">
        {t("shell.skip")}
      </a>
      <Rail />
      <div className="min-w-0">
        <header className="no-print mx-auto flex max-w-5xl items-center gap-3 px-4 pt-4 rail:px-8 rail:pt-7">
          <Link to="/" className="rail:hidden" aria-label="Corrente">
            <Mark size={36} />
          </Link>
          <HomeSwitcher />
          <div className="ms-auto flex items-center gap-1">
            <ConnectionChip />
            <Link to="/settings" aria-label={t("nav.settings")} className="icon-button rail:hidden">
              <Icon name="settings" size={22} />
            </Link>
          </div>
        </header>
        <Strips />
        <main ref={main} id="main" tabIndex={-1} className="mx-auto max-w-5xl px-4 pb-32 pt-4 outline-none rail:px-8 rail:pb-12 rail:pt-6">
          <Suspense fallback={<div className="min-h-96" aria-busy="true" />}>
            <Outlet key={usagePoint.id} />
          </Suspense>
        </main>
      </div>
      <nav
        aria-label={t("nav.main")}
        className="no-print fixed inset-x-0 bottom-0 z-40 border-t border-hairline bg-card pb-[env(safe-area-inset-bottom)] rail:hidden"
      >
        <ul className="mx-auto flex max-w-lg">
          {places.map((place) => (
            <li key={place.to} className="min-w-0 flex-1">
              <Link
                to={place.to}
                activeOptions={{ exact: place.to === "/", includeSearch: false }}
                className="flex min-h-16 flex-col items-center justify-center gap-0.5 text-[0.6875rem] font-semibold text-muted aria-[current=page]:text-brand"
              >
                <PlaceIcon place={place} />
                <span className="max-w-full truncate">{t(place.key)}</span>
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </div>
  );
}

function Rail() {
  const t = useT();
  const item =
    "flex min-h-11 items-center gap-3 rounded-xl px-3 text-[0.9375rem] font-semibold text-muted hover:bg-sunk aria-[current=page]:bg-brand-soft aria-[current=page]:text-brand";
  return (
    <nav aria-label={t("nav.main")} className="no-print sticky top-0 hidden h-dvh flex-col border-e border-hairline px-4 py-7 rail:flex">
      <Link to="/" className="mb-8 flex items-center gap-3 px-3">
        <Mark size={34} />
        <span className="text-xl font-semibold tracking-tight">Corrente</span>
      </Link>
      <ul className="grid gap-1">
        {[...places, ...more].map((place) => (
          <li key={place.to}>
            <Link to={place.to} activeOptions={{ exact: place.to === "/", includeSearch: false }} className={item}>
              <PlaceIcon place={place} size={22} />
              {t(place.key)}
            </Link>
          </li>
        ))}
      </ul>
      <div className="mt-auto">
        <Link to="/settings" className={item}>
          <Icon name="settings" size={22} />
          {t("nav.settings")}
        </Link>
      </div>
    </nav>
  );
}

/** Says an alert once, while it is news, whichever page is open. */
function Announcer() {
  const { alert } = useLive();
  const said = useRef<string | null>(null);
  useEffect(() => {
    if (!alert || alert.state !== "active" || said.current === alert.id) return;
    said.current = alert.id;
    toast(alert.words.sentence, "danger");
  }, [alert]);
  return null;
}

/** A place's sign; the bell says how many alerts nobody has read. */
function PlaceIcon({ place, size }: { place: (typeof places | typeof more)[number]; size?: number }) {
  const t = useT();
  const { usagePoint, format } = useSession();
  const alerts = useQuery({
    ...queries.alerts(usagePoint.id, format.locale),
    enabled: place.to === "/alerts",
    select: ({ events }) => events.filter((event) => !event.read).length,
  });
  const unread = place.to === "/alerts" ? (alerts.data ?? 0) : 0;
  return (
    <span className="relative">
      <Icon name={place.icon} {...(size ? { size } : {})} />
      {unread > 0 && (
        <>
          <span aria-hidden="true" className="badge">
            {unread > 9 ? "9+" : unread}
          </span>
          <span className="sr-only">{t("nav.unread", { count: unread })} </span>
        </>
      )}
    </span>
  );
}

function HomeSwitcher() {
  const t = useT();
  const { me, usagePoint } = useSession();
  const navigate = useNavigate();
  if (me.usage_points.length > 1) {
    return (
      <Select
        label={t("shell.home")}
        hideLabel
        className="max-w-56 min-w-0"
        choices={me.usage_points.map((point) => ({ value: point.id, label: point.name }))}
        value={usagePoint.id}
        onChange={(id) => void navigate({ to: ".", search: (old) => ({ ...old, home: id }) })}
      />
    );
  }
  return (
    <p className="min-w-0 leading-tight">
      <span className="block truncate font-semibold">{usagePoint.name}</span>
      <span className="block truncate text-xs text-muted">{me.lab_id === null ? usagePoint.address : t("shell.labMeter", { id: me.lab_id })}</span>
    </p>
  );
}

/** Live, late or without connection. Nothing at all while it is only starting. */
function ConnectionChip() {
  const t = useT();
  const { connection, heardAt } = useLive();
  const { format } = useSession();
  if (connection === "connecting") return null;
  const words = {
    live: t("live.state.live"),
    late: t("live.state.late"),
    offline: heardAt === null ? t("live.state.offline") : t("live.state.offlineSince", { time: format.time(heardAt) }),
  }[connection];
  return (
    <span role="status" className={cx("chip", connection === "live" && "chip-ok", connection === "late" && "chip-warning", connection === "offline" && "chip-danger")}>
      {words}
    </span>
  );
}

/** What is true of the whole page: a server that cannot store, lab mode, plain http, stored answers, a newer build. */
function Strips() {
  const t = useT();
  const { me, options, format } = useSession();
  const { build, storing } = useLive();
  const stored = useSyncExternalStore(storedAnswer.subscribe, storedAnswer.get);
  const [opened] = useState(options.build);
  const notes = [
    stored !== null && t("shell.stored", { time: format.dayTime(stored) }),
    me.lab_id !== null && t("shell.lab"),
    options.lab && me.user !== null && me.user.role !== "customer" && t("shell.labOn"),
    options.insecure && me.user !== null && me.user.role !== "customer" && t("shell.insecure"),
  ].filter((note) => note !== false);
  const outdated = build !== null && build !== opened;
  if (notes.length === 0 && !outdated && storing) return null;
  return (
    <div className="no-print mx-auto grid max-w-5xl gap-2 px-4 pt-3 rail:px-8">
      {!storing && (
        <p role="alert" className="strip">
          {t("shell.notStoring")}
        </p>
      )}
      {notes.map((note) => (
        <p key={note} className="strip">
          {note}
        </p>
      ))}
      {outdated && (
        <p className="strip flex items-center justify-between gap-3 bg-brand-soft">
          {t("shell.newBuild")}
          <button type="button" className="min-h-8 font-semibold text-brand" onClick={() => window.location.reload()}>
            {t("shell.update")}
          </button>
        </p>
      )}
    </div>
  );
}
