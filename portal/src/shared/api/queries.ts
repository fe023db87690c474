import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { ApiError, ask, client } from "./client";
import { usage } from "./types";

export interface UsageAsk {
  from: string;
  to: string;
  step: string;
  compare: "none" | "previous" | "year";
}

export interface ReadingsAsk {
  from?: string;
  to?: string;
  at?: string;
  limit: number;
}

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

  home: (id: string) =>
    queryOptions({
      queryKey: ["home", id],
      queryFn: () => ask(client.GET("/api/v1/usage-points/{id}/home", { params: { path: { id } } })),
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
    queryOptions({
      queryKey: ["readings", id, query],
      queryFn: () => ask(client.GET("/api/v1/usage-points/{id}/readings", { params: { path: { id }, query } })),
      staleTime: 30_000,
      placeholderData: keepPreviousData,
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

  preview: (id: string, kind: string, parameters: Record<string, unknown>) =>
    queryOptions({
      queryKey: ["preview", id, kind, parameters],
      queryFn: () =>
        ask(client.POST("/api/v1/usage-points/{id}/alert-rules/{kind}/preview", { params: { path: { id, kind } }, body: { parameters } as never })),
      staleTime: 5 * 60_000,
      placeholderData: keepPreviousData,
      retry: false,
    }),

  alerts: (id: string) =>
    queryOptions({
      queryKey: ["alerts", id],
      queryFn: () => ask(client.GET("/api/v1/usage-points/{id}/alerts", { params: { path: { id } } })),
      staleTime: 30_000,
    }),
};
