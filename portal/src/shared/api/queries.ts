import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Locale } from "@/shared/i18n/locale";
import { ApiError, ask, client } from "./client";
import { usage } from "./types";

export interface UsageAsk {
  from: string;
  to: string;
  step: string;
  compare: "none" | "previous" | "year";
  /** With all that the bill says of each step. */
  whole?: boolean;
}

/** Either the reading at an instant, or pages of them in an order. */
export interface ReadingsAsk {
  from?: string;
  to?: string;
  at?: string;
  order: "asc" | "desc";
}

const READINGS_PER_PAGE = 100;

export const queries = {
  options: () =>
    queryOptions({ queryKey: ["options"], queryFn: () => ask(client.GET("/api/v1/options")), staleTime: Infinity }),

  me: () =>
    queryOptions({
      queryKey: ["me"],
      queryFn: async () => {
        try {
          return await ask(client.GET("/api/v1/me"));
        } catch (error) {
          if (error instanceof ApiError && error.signedOut) return null;
          throw error;
        }
      },
      staleTime: 5 * 60_000,
    }),

  home: (id: string, language: Locale) =>
    queryOptions({
      queryKey: ["home", id, language],
      queryFn: () => ask(client.GET("/api/v1/usage-points/{id}/home", { params: { path: { id }, query: { language } } })),
      staleTime: 10_000,
      refetchInterval: 60_000,
    }),

  usage: (id: string, query: UsageAsk) =>
    queryOptions({
      queryKey: ["usage", id, query],
      queryFn: async () =>
        usage(await ask(client.GET("/api/v1/usage-points/{id}/usage", { params: { path: { id }, query } }))),
      staleTime: 60_000,
      placeholderData: keepPreviousData,
    }),

  readings: (id: string, query: ReadingsAsk) =>
    infiniteQueryOptions({
      queryKey: ["readings", id, query],
      queryFn: ({ pageParam }) =>
        ask(
          client.GET("/api/v1/usage-points/{id}/readings", {
            params: { path: { id }, query: { ...query, limit: READINGS_PER_PAGE, ...(pageParam !== null && { cursor: Number(pageParam) }) } },
          }),
        ),
      initialPageParam: null as string | null,
      getNextPageParam: (page) => page.next,
      staleTime: 30_000,
      placeholderData: keepPreviousData,
    }),

  stretch: (id: string, from: string, to: string) =>
    queryOptions({
      queryKey: ["stretch", id, from, to],
      queryFn: () => ask(client.GET("/api/v1/usage-points/{id}/stretch", { params: { path: { id }, query: { from, to } } })),
      staleTime: 60_000,
      placeholderData: keepPreviousData,
    }),

  events: (id: string) =>
    queryOptions({
      queryKey: ["events", id],
      queryFn: () => ask(client.GET("/api/v1/usage-points/{id}/events", { params: { path: { id } } })),
      staleTime: 60_000,
    }),

  tariff: (id: string) =>
    queryOptions({
      queryKey: ["tariff", id],
      queryFn: async () => (await ask(client.GET("/api/v1/usage-points/{id}/tariff", { params: { path: { id } } }))).tariff,
      staleTime: 5 * 60_000,
    }),

  invoices: (id: string) =>
    queryOptions({
      queryKey: ["invoices", id],
      queryFn: async () =>
        (await ask(client.GET("/api/v1/usage-points/{id}/invoices", { params: { path: { id } } }))).invoices,
      staleTime: 60_000,
    }),

  invoice: (id: string) =>
    queryOptions({
      queryKey: ["invoice", id],
      queryFn: () => ask(client.GET("/api/v1/invoices/{id}", { params: { path: { id } } })),
      staleTime: 60_000,
    }),

  delivery: () =>
    queryOptions({ queryKey: ["delivery"], queryFn: () => ask(client.GET("/api/v1/me/delivery")), staleTime: 60_000 }),

  failedMessages: () =>
    queryOptions({ queryKey: ["failed-messages"], queryFn: () => ask(client.GET("/api/v1/admin/outbox/failed")), staleTime: 30_000 }),

  preview: (id: string, kind: string, parameters: Record<string, unknown>) =>
    queryOptions({
      queryKey: ["preview", id, kind, parameters],
      queryFn: () =>
        ask(client.POST("/api/v1/usage-points/{id}/alert-rules/{kind}/preview", { params: { path: { id, kind } }, body: { parameters } as never })),
      staleTime: 5 * 60_000,
      placeholderData: keepPreviousData,
      retry: false,
    }),

  alerts: (id: string, language: Locale) =>
    queryOptions({
      queryKey: ["alerts", id, language],
      queryFn: () => ask(client.GET("/api/v1/usage-points/{id}/alerts", { params: { path: { id }, query: { language } } })),
      staleTime: 30_000,
    }),
};
