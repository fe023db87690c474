import type { AlertEvent, Now } from "./types";

/** What a person is told about the connection. */
export type Connection = "connecting" | "live" | "late" | "offline";

export interface LiveState {
  connection: Connection;
  /** When (epoch ms, device time) something last came from the server. */
  heardAt: number | null;
  now: Now | null;
  /** [epoch seconds, watts], oldest first, at most an hour. */
  recent: readonly (readonly [number, number])[];
  build: string | null;
  /** Whether the server keeps what meters send. */
  storing: boolean;
  /** The alert that came last while this page was open. */
  alert: AlertEvent | null;
}

export type LiveNotice = { kind: "alert" | "invoice"; data: unknown };

const lateAfter = 10_000;
const offlineAfter = 60_000;
const watchdog = 40_000;

/** Pure: what the silence since the last word from the server means. */
export function connectionAt(heardAt: number | null, openedAt: number, now: number): Connection {
  const silence = now - (heardAt ?? openedAt);
  if (silence >= offlineAfter) return "offline";
  if (heardAt === null) return silence < lateAfter ? "connecting" : "late";
  // The server pings after 15 s of silence: a healthy stream has said something within two of them.
  return silence < watchdog + 5000 ? "live" : "late";
}

/** Pure: the next pause after n failures, 1 to 30 s, with jitter in [0, 1). */
export function backoff(failures: number, jitter: number): number {
  return Math.min(30_000, 1000 * 2 ** Math.min(failures, 5)) * (0.75 + jitter / 2);
}

/**
 * The one stream of a tab. It never gives up: a watchdog reopens a silent one, coming back to the
 * page after half a minute reopens at once (phones kill a socket without a word), and so does the
 * network's return. Every stream begins with a whole snapshot, so a missed message cannot matter.
 */
export class LiveStream {
  #source: EventSource | null = null;
  #failures = 0;
  #openedAt = 0;
  #hiddenAt: number | null = null;
  #broken = false;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #retry: ReturnType<typeof setTimeout> | null = null;
  #watchers = new Set<() => void>();
  #state: LiveState = { connection: "connecting", heardAt: null, now: null, recent: [], build: null, storing: true, alert: null };

  constructor(
    private readonly usagePoint: string,
    private readonly language: string,
    private readonly onNotice: (notice: LiveNotice) => void,
    private readonly onReturn: () => void,
  ) {}

  readonly get = () => this.#state;

  readonly subscribe = (watch: () => void) => {
    this.#watchers.add(watch);
    return () => {
      this.#watchers.delete(watch);
    };
  };

  start() {
    this.#open();
    this.#timers.push(setInterval(() => this.#look(), 1000));
    document.addEventListener("visibilitychange", this.#visible);
    window.addEventListener("online", this.#reopen);
  }

  stop() {
    this.#timers.forEach(clearInterval);
    this.#timers = [];
    if (this.#retry) clearTimeout(this.#retry);
    this.#source?.close();
    document.removeEventListener("visibilitychange", this.#visible);
    window.removeEventListener("online", this.#reopen);
  }

  #set(change: Partial<LiveState>) {
    this.#state = { ...this.#state, ...change };
    for (const watch of this.#watchers) watch();
  }

  #open() {
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    this.#source?.close();
    this.#openedAt = Date.now();
    const source = new EventSource(`/api/v1/live?${new URLSearchParams({ usage_point: this.usagePoint, language: this.language }).toString()}`);
    this.#source = source;
    const on = (name: string, act: (data: unknown) => void) =>
      source.addEventListener(name, (event) => {
        if (this.#source !== source) return;
        this.#heard();
        let data: unknown = null;
        try {
          data = JSON.parse((event as MessageEvent<string>).data);
        } catch {
          // A word we cannot read still says that the server is there.
        }
        act(data);
      });
    const storing = (data: unknown) => (data as { storing?: boolean } | null)?.storing ?? true;
    on("hello", (data) => this.#set({ build: (data as { build?: string } | null)?.build ?? null, storing: storing(data) }));
    on("storing", (data) => this.#set({ storing: storing(data) }));
    on("snapshot", (data) => {
      const now = data as Now;
      this.#set({ now, recent: now.recent.map(([t = 0, w = 0]) => [t, w] as const) });
    });
    on("power", (data) => {
      const { t: seconds, w, ...rest } = data as { t: number; w: number } & Pick<Now, "price_per_hour" | "period" | "phases">;
      const recent = [...this.#state.recent.filter(([at]) => at > seconds - 3600 && at < seconds), [seconds, w] as const];
      const before = this.#state.now;
      this.#set({
        recent,
        // The price belongs to this power: no other one is ever shown beside it.
        now: before && { ...before, power_w: w, at: new Date(seconds * 1000).toISOString(), age_s: 0, state: "live", ...rest },
      });
    });
    on("ping", () => undefined);
    on("alert", (data) => {
      this.#set({ alert: data as AlertEvent | null });
      this.onNotice({ kind: "alert", data });
    });
    on("invoice", (data) => this.onNotice({ kind: "invoice", data }));
    on("bye", () => this.#later());
    source.addEventListener("open", () => {
      if (this.#source === source) this.#heard();
    });
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      this.#broken = true;
      // The browser retries on its own while it is connecting; once closed it has given up.
      if (source.readyState === EventSource.CLOSED) this.#later();
    });
  }

  #heard() {
    this.#failures = 0;
    const back = this.#broken;
    this.#broken = false;
    this.#set({ heardAt: Date.now(), connection: "live" });
    if (back) this.onReturn();
  }

  #later() {
    this.#broken = true;
    this.#source?.close();
    if (this.#retry) return;
    this.#retry = setTimeout(() => this.#open(), backoff(this.#failures, Math.random()));
    this.#failures += 1;
  }

  #look() {
    const { heardAt } = this.#state;
    const now = Date.now();
    // An open stream is alive as long as the browser keeps it open and the watchdog is content.
    const silence = now - (heardAt ?? this.#openedAt);
    const next = this.#broken && silence > lateAfter && silence < offlineAfter ? "late" : connectionAt(heardAt, this.#openedAt, now);
    if (next !== this.#state.connection) this.#set({ connection: next });
    if (!this.#retry && now - Math.max(heardAt ?? 0, this.#openedAt) > watchdog) this.#open();
  }

  readonly #reopen = () => this.#open();

  readonly #visible = () => {
    if (document.visibilityState === "hidden") {
      this.#hiddenAt = Date.now();
      return;
    }
    if (this.#hiddenAt !== null && Date.now() - this.#hiddenAt > 30_000) {
      this.#broken = true;
      this.#open();
    }
    this.#hiddenAt = null;
  };
}
