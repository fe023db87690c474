// Written by hand until the server's OpenAPI document exists; then `npm run generate` replaces it.
type Json<T> = { content: { "application/json": T } };
type Fails = { default: { content: { "application/problem+json": components["schemas"]["Problem"] } } };
type Id = { path: { id: string } };

export interface paths {
  "/api/v1/options": { get: { responses: { 200: Json<components["schemas"]["Options"]> } & Fails } };
  "/api/v1/session": {
    post: {
      requestBody: { content: { "application/json": { email: string; password: string } } };
      responses: { 200: Json<components["schemas"]["Me"]> } & Fails;
    };
    delete: { parameters: { query?: { all?: boolean } }; responses: { 204: { content?: never } } & Fails };
  };
  "/api/v1/session/lab": {
    post: {
      requestBody: { content: { "application/json": { id: string } } };
      responses: { 200: Json<components["schemas"]["Me"]> } & Fails;
    };
  };
  "/api/v1/me": {
    get: { responses: { 200: Json<components["schemas"]["Me"]> } & Fails };
    patch: {
      requestBody: { content: { "application/json": { language?: string | null; theme?: string | null } } };
      responses: { 200: Json<components["schemas"]["Me"]> } & Fails;
    };
  };
  "/api/v1/usage-points/{id}/home": {
    get: { parameters: Id; responses: { 200: Json<components["schemas"]["Home"]> } & Fails };
  };
  "/api/v1/usage-points/{id}/usage": {
    get: {
      parameters: Id & {
        query: { from: string; to: string; step?: string; compare?: string; max_points?: number };
      };
      responses: { 200: Json<components["schemas"]["Usage"]> } & Fails;
    };
  };
  "/api/v1/usage-points/{id}/readings": {
    get: {
      parameters: Id & { query?: { from?: string; to?: string; at?: string; limit?: number; cursor?: string } };
      responses: { 200: Json<components["schemas"]["Readings"]> } & Fails;
    };
  };
  "/api/v1/usage-points/{id}/invoices": {
    get: { parameters: Id; responses: { 200: Json<{ invoices: components["schemas"]["InvoiceSummary"][] }> } & Fails };
  };
  "/api/v1/invoices/{id}": {
    get: { parameters: Id; responses: { 200: Json<components["schemas"]["Invoice"]> } & Fails };
  };
  "/api/v1/usage-points/{id}/alerts": {
    get: { parameters: Id; responses: { 200: Json<components["schemas"]["Alerts"]> } & Fails };
  };
  "/api/v1/alerts/{id}/read": {
    post: { parameters: Id; responses: { 204: { content?: never } } & Fails };
  };
  "/api/v1/usage-points/{id}/alert-rules/{kind}": {
    put: {
      parameters: { path: { id: string; kind: string } };
      requestBody: { content: { "application/json": { enabled: boolean; parameters: Record<string, unknown> } } };
      responses: { 200: Json<components["schemas"]["AlertRule"]> } & Fails;
    };
  };
}

export interface components {
  schemas: {
    Problem: { type: string; title: string; status: number; code: string; field?: string | null; detail?: string | null };
    Options: {
      build: string;
      demo: boolean;
      lab: boolean;
      insecure: boolean;
      demo_accounts: { email: string; password: string; name: string; note: string }[];
      time_factor: number;
    };
    Me: {
      user: { id: string; name: string; email: string; role: string; language: string | null; theme: string | null } | null;
      lab_id: string | null;
      usage_points: components["schemas"]["UsagePoint"][];
      now: string;
    };
    UsagePoint: {
      id: string;
      name: string;
      address?: string | null;
      zone: string;
      currency: string;
      meter_serial: string | null;
      lab: boolean;
      first_reading: string | null;
      last_reading: string | null;
    };
    Now: {
      power_w: number | null;
      at: string | null;
      price_per_hour: string | null;
      age_s: number | null;
      state: "live" | "late" | "silent" | "none";
      period_label: string | null;
      recent: number[][];
    };
    Line: {
      code: string;
      label: string;
      quantity: string | null;
      unit: string | null;
      price: string | null;
      amount: string;
      explanation?: string | null;
    };
    BillSoFar: {
      from: string;
      to: string;
      day: number;
      days: number;
      wh: number;
      amount: string;
      energy_amount: string;
      fixed_amount: string;
      projected_amount: string | null;
      projected_low: string | null;
      projected_high: string | null;
      previous_amount: string | null;
      at_least: boolean;
      estimated: number;
      missing: number;
      tariff: { name: string; version: string };
      lines: components["schemas"]["Line"][];
    };
    Today: {
      wh: number | null;
      amount: string | null;
      quality: components["schemas"]["Quality"];
      expected_wh: number | null;
      expected_low_wh: number | null;
      expected_high_wh: number | null;
      points: { end: string; wh: number }[];
    };
    Home: {
      now: components["schemas"]["Now"];
      bill: components["schemas"]["BillSoFar"] | null;
      today: components["schemas"]["Today"];
      last_invoice: components["schemas"]["InvoiceSummary"] | null;
      alerts: components["schemas"]["AlertEvent"][];
    };
    Quality: "measured" | "estimated" | "edited" | "missing";
    UsageInterval: {
      start: string;
      end: string;
      wh: number | null;
      amount: string | null;
      quality: components["schemas"]["Quality"];
      expected_wh?: number | null;
    };
    UsageTotal: {
      wh: number | null;
      amount: string | null;
      at_least: boolean;
      measured: number;
      estimated: number;
      missing: number;
    };
    Usage: {
      zone: string;
      currency: string;
      from: string;
      to: string;
      step: string;
      intervals: components["schemas"]["UsageInterval"][];
      total: components["schemas"]["UsageTotal"];
      expected_wh: number | null;
      fixed_amount: string | null;
      compare: {
        from: string;
        to: string;
        intervals: components["schemas"]["UsageInterval"][];
        total: components["schemas"]["UsageTotal"];
      } | null;
      change: { wh_percent: string | null; amount_difference: string | null } | null;
    };
    Reading: { t: string; value_wh: number; kind: "register" | "interval"; channel: string; source_quality: number };
    Readings: { readings: components["schemas"]["Reading"][]; next: string | null };
    InvoiceSummary: {
      id: string;
      number: string;
      from: string;
      to: string;
      issued: string;
      due: string;
      amount: string;
      currency: string;
      wh?: number | null;
      days: number;
      state: "open" | "paid" | "cancelled";
      change_percent: string | null;
    };
    Invoice: components["schemas"]["InvoiceSummary"] & {
      customer?: { name: string; address?: string | null } | null;
      issuer: { name: string; document?: string | null; address?: string | null };
      usage_point: { id: string; name: string; address?: string | null };
      meter?: { serial: string; start_wh: number; end_wh: number; start_at: string; end_at: string } | null;
      quality: { measured: number; estimated: number; missing: number };
      lines: components["schemas"]["Line"][];
      taxes: { name: string; base: string; rate: string; amount: string; included: boolean }[];
      total: string;
      pix: { payload: string; payee: string; key: string; city: string; txid?: string | null; amount: string } | null;
      history: { month: string; wh?: number | null; amount: string }[];
      comparison: {
        previous?: { amount: string; percent?: string | null } | null;
        last_year?: { amount: string; percent?: string | null } | null;
      };
      plan_digest: string;
    };
    AlertEvent: {
      id: string;
      kind: string;
      at: string;
      until: string | null;
      state: "active" | "over";
      read: boolean;
      values: { [key: string]: string };
    };
    AlertRule: { id: string; kind: string; enabled: boolean; parameters: Record<string, unknown> };
    Alerts: { events: components["schemas"]["AlertEvent"][]; rules: components["schemas"]["AlertRule"][] };
  };
}
