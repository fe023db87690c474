import createClient from "openapi-fetch";
import type { paths } from "./schema";
import { written, type Written } from "./written";

/** What went wrong, as the server's problem document says it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly field: string | null,
    /** A short code that a person can read out to support. */
    readonly support: string,
  ) {
    super(`${status} ${code}: ${detail}`);
    this.name = "ApiError";
  }

  get signedOut(): boolean {
    return this.status === 401;
  }
}

/** The request did not reach the server, or its answer did not reach us. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("the server cannot be reached", { cause });
    this.name = "Unreachable";
  }
}

// The service worker marks what it answers from its store with the time at which it was stored.
let storedAt: number | null = null;
const watchers = new Set<() => void>();

export const storedAnswer = {
  /** Since when (epoch ms) the page shows stored answers; null while the server answers itself. */
  get: () => storedAt,
  subscribe(watch: () => void) {
    watchers.add(watch);
    return () => watchers.delete(watch);
  },
};

function noteAge(response: Response) {
  const header = response.headers.get("x-stored-at");
  const next = header === null ? null : Number(header);
  if (next === storedAt) return;
  storedAt = next;
  for (const watch of watchers) watch();
}

export const client = createClient<paths>({ baseUrl: window.location.origin, credentials: "same-origin" });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Awaits an answer and throws an ApiError or Unreachable where there is no data. */
export async function ask<T>(request: Promise<Answer<T>>): Promise<Written<T>> {
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch (cause) {
    throw new Unreachable(cause);
  }
  const { data, error, response } = answer;
  if (response.ok) {
    noteAge(response);
    return written(data as T);
  }
  const problem = (typeof error === "object" && error !== null ? error : {}) as {
    code?: string;
    detail?: string | null;
    title?: string;
    field?: string | null;
    incident?: string | null;
  };
  const support = (problem.incident ?? response.headers.get("x-request-id"))?.slice(0, 4).toUpperCase() ?? String(response.status);
  throw new ApiError(
    response.status,
    problem.code ?? "unknown",
    problem.detail ?? problem.title ?? response.statusText,
    problem.field ?? null,
    `E-${support}`,
  );
}
